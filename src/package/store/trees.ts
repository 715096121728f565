import { CoaxError } from '../../errors/coax-error.ts';
import {
  digestOf,
  type FileEntry,
  type Manifest,
  type ManifestEntry,
  parseManifest,
} from '../format/manifest.ts';
import { folderOf } from '../format/paths.ts';
import { bytesAt, hashAt } from './contents.ts';
import { type Disk, removeAll } from './disk.ts';
import { type Layout, modeOnHost } from './layout.ts';

/** One thing that is not as its manifest says. */
export interface TreeFault {
  readonly package: string;
  readonly version: string;
  /** In the package; empty for the package as a whole. */
  readonly path: string;
  readonly fault: 'missing' | 'changed' | 'mode' | 'extra';
  readonly reason: string;
}

/** As deep as a path may be, and the folder of all. */
const DEPTH_MAX = 65;
const FILES_FOLDER: ManifestEntry = { path: '', type: 'folder' };

/** The versions that lie on a host: each a folder of files that are further names of contents. */
export class Trees {
  readonly #disk: Disk;
  readonly #layout: Layout;

  constructor(disk: Disk, layout: Layout) {
    this.#disk = disk;
    this.#layout = layout;
  }

  /** Versions of a package that lie here. */
  versions(name: string): Promise<string[]> {
    return this.#disk.list(`${this.#layout.versions}/${name}`);
  }

  names(): Promise<string[]> {
    return this.#disk.list(this.#layout.versions);
  }

  /** The manifest of a version that lies here, with its identity; null if it does not. Errors: COAX_PACKAGE_CORRUPT. */
  async manifest(name: string, version: string): Promise<{ manifest: Manifest; digest: string } | null> {
    const path = this.#layout.manifest(name, version);
    const bytes = await bytesAt(this.#disk, path);
    if (bytes === null) return null;
    try {
      const manifest = parseManifest(bytes, path);
      if (manifest.name === name && manifest.version === version)
        return { manifest, digest: digestOf(bytes) };
    } catch (error) {
      throw corrupt(name, version, (error as Error).message);
    }
    throw corrupt(name, version, 'its manifest is that of another package');
  }

  /**
   * Lays a version down, whole or not at all; its contents are here. One that is there with faults is mended.
   * Errors: COAX_PACKAGE_REFUSED when that version is here with another manifest.
   */
  async place(manifest: Manifest, bytes: Uint8Array): Promise<void> {
    const { name, version } = manifest;
    const path = this.#layout.tree(name, version);
    const lying = await bytesAt(this.#disk, this.#layout.manifest(name, version));
    if (lying !== null && digestOf(lying) === digestOf(bytes)) await this.#mend(manifest);
    else if ((await this.#disk.look(path)) !== null) {
      const digest = lying === null ? null : digestOf(lying);
      throw new CoaxError(
        'COAX_PACKAGE_REFUSED',
        `${name} ${version} is here already, with other content (${digest?.slice(0, 12) ?? 'no manifest'}, not ${digestOf(bytes).slice(0, 12)})`,
        { where: path, hint: 'A version never changes: publish what changed under a new one.' },
      );
    }
    const folder = `${this.#layout.versions}/${name}`;
    if (lying === null) {
      const staged = `${this.#layout.staging}/tree`;
      await removeAll(this.#disk, staged);
      await this.#layTree(staged, manifest, bytes);
      await this.#disk.makeFolder(folder);
      await this.#disk.rename(staged, path);
    }
    // One that was here already may have been laid down by somebody who was ended before this.
    await this.#disk.syncFolder(folder);
    await this.#disk.syncFolder(this.#layout.versions);
  }

  async #layTree(staged: string, manifest: Manifest, bytes: Uint8Array): Promise<void> {
    const folders = [staged, `${staged}/files`];
    await this.#disk.makeFolder(staged);
    await this.#disk.makeFolder(`${staged}/files`);
    await this.#disk.write(`${staged}/manifest.json`, [bytes], 0o444);
    for (const entry of manifest.entries) {
      const path = `${staged}/files/${entry.path}`;
      if (entry.type === 'folder') {
        await this.#disk.makeFolder(path);
        folders.push(path);
      } else if (entry.type === 'link') await this.#disk.symlink(entry.target, path);
      else await this.#disk.link(this.#layout.contentFile(entry), path);
    }
    for (const folder of folders.reverse()) await this.#disk.syncFolder(folder);
  }

  /** Puts the manifest itself right; `bytes` are those that were installed. */
  async mendManifest(name: string, version: string, bytes: Uint8Array): Promise<void> {
    const staged = `${this.#layout.staging}/manifest`;
    await this.#disk.unlink(staged);
    await this.#disk.write(staged, [bytes], 0o444);
    await this.#disk.rename(staged, this.#layout.manifest(name, version));
    await this.#disk.syncFolder(this.#layout.tree(name, version));
  }

  /** Puts right, one thing after another, what was changed by hand. Errors: COAX_PACKAGE_CORRUPT if it does not help. */
  async #mend(manifest: Manifest): Promise<void> {
    // What lay behind a link in the place of a folder is seen only when the folder is one again: so once for each depth.
    for (let passes = DEPTH_MAX; passes > 0; passes--) {
      const faults = await this.faults(manifest);
      if (faults.length === 0) return;
      for (const { path } of faults) await this.#mendOne(manifest, path);
    }
    throw corrupt(manifest.name, manifest.version, 'what was changed by hand cannot be put right');
  }

  async #mendOne({ name, version, entries }: Manifest, path: string): Promise<void> {
    const files = this.#layout.files(name, version);
    const at = path === '' ? files : `${files}/${path}`;
    const entry = path === '' ? FILES_FOLDER : entries.find(candidate => candidate.path === path);
    const standing = await this.#disk.look(at);
    const isFolder = standing?.type === 'folder';
    if (standing !== null && (entry === undefined || isFolder !== (entry.type === 'folder')))
      await removeAll(this.#disk, at);
    if (entry?.type === 'folder') await this.#disk.makeFolder(at);
    else if (entry !== undefined) {
      const staged = `${this.#layout.staging}/mended`;
      await this.#disk.unlink(staged);
      if (entry.type === 'file') await this.#disk.link(this.#layout.contentFile(entry), staged);
      else await this.#disk.symlink(entry.target, staged);
      await this.#disk.rename(staged, at);
    }
    await this.#disk.syncFolder(folderOf(at));
  }

  /** All that is not as the manifest says: every byte is read. */
  async faults(manifest: Manifest, signal?: AbortSignal): Promise<TreeFault[]> {
    const { name, version } = manifest;
    const files = this.#layout.files(name, version);
    const faults: TreeFault[] = [];
    const add = (path: string, fault: TreeFault['fault'], reason: string) => {
      faults.push({ package: name, version, path, fault, reason });
    };
    const known = new Set(manifest.entries.map(({ path }) => path));
    if ((await this.#disk.look(files))?.type !== 'folder')
      add('', 'missing', 'its folder `files` is missing, or is none');
    for (const entry of manifest.entries) {
      signal?.throwIfAborted();
      const at = `${files}/${entry.path}`;
      const standing = await this.#disk.look(at);
      if (standing === null) add(entry.path, 'missing', 'is missing');
      else if (standing.type !== entry.type)
        add(entry.path, 'changed', `is a ${standing.type}, not a ${entry.type}`);
      else if (entry.type === 'file') {
        const wrong = await this.#fileFault(at, entry, standing);
        if (wrong !== null) add(entry.path, ...wrong);
      } else if (entry.type === 'link') {
        const target = await this.#disk.readLink(at);
        if (target !== entry.target)
          add(
            entry.path,
            'changed',
            `leads to ${JSON.stringify(target)}, not to ${JSON.stringify(entry.target)}`,
          );
      }
    }
    for (const name of await this.#disk.list(this.#layout.tree(manifest.name, version)))
      if (name !== 'files' && name !== 'manifest.json') add(`../${name}`, 'extra', 'is not of the package');
    for (const path of await this.#strangers(files, '', known)) add(path, 'extra', 'is not of the package');
    return faults;
  }

  async #fileFault(
    at: string,
    entry: FileEntry,
    standing: { mode: number; size: number },
  ): Promise<['changed' | 'mode', string] | null> {
    if (standing.size !== entry.size)
      return ['changed', `has ${standing.size} bytes instead of ${entry.size}`];
    if ((await hashAt(this.#disk, at)) !== entry.sha256) return ['changed', 'has other content'];
    const mode = modeOnHost(entry);
    if (standing.mode === mode) return null;
    return ['mode', `has the mode ${standing.mode.toString(8)} instead of ${mode.toString(8)}`];
  }

  /** What lies in a version and is not of it; a strange folder stands for all that is in it. */
  async #strangers(root: string, folder: string, known: ReadonlySet<string>): Promise<string[]> {
    const strange: string[] = [];
    for (const name of await this.#disk.list(folder === '' ? root : `${root}/${folder}`)) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if (!known.has(path)) strange.push(path);
      else if ((await this.#disk.look(`${root}/${path}`))?.type === 'folder')
        strange.push(...(await this.#strangers(root, path, known)));
    }
    return strange;
  }
}

function corrupt(name: string, version: string, reason: string): CoaxError {
  return new CoaxError('COAX_PACKAGE_CORRUPT', `${name} ${version}: ${reason}`, { where: name });
}
