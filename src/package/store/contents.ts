import { createHash } from 'node:crypto';
import type { ContentSource } from '../content-source.ts';
import { refused } from '../format/archive-entries.ts';
import type { FileEntry, Manifest } from '../format/manifest.ts';
import { verifiedBytes } from '../format/verified-bytes.ts';
import { type Disk, readWhole, removeAll } from './disk.ts';
import { type Layout, modeOnHost } from './layout.ts';

/** What a fetch brought. */
export interface Fetched {
  /** Contents and bytes that were asked of the source. */
  readonly contents: number;
  readonly bytes: number;
  /** Contents and bytes that were here already. */
  readonly hadContents: number;
  readonly hadBytes: number;
}

/** The contents of files, each under its SHA-256, shared by all versions of all packages. */
export class Contents {
  readonly #disk: Disk;
  readonly #layout: Layout;

  constructor(disk: Disk, layout: Layout) {
    this.#disk = disk;
    this.#layout = layout;
  }

  /**
   * Brings what a package needs and is not here. What is here is read, and believed only if it is still what its name says.
   * Everything lasts when this returns. Errors: COAX_PACKAGE_REFUSED, those of the source.
   */
  async bring(manifest: Manifest, source: ContentSource, signal?: AbortSignal): Promise<Fetched> {
    const files = manifest.entries.filter(entry => entry.type === 'file');
    const wanted = new Map<string, FileEntry[]>();
    const had = new Map<string, number>();
    for (const entry of files) {
      if (await this.#holds(entry)) had.set(entry.sha256, entry.size);
      else wanted.set(entry.sha256, [...(wanted.get(entry.sha256) ?? []), entry]);
      signal?.throwIfAborted();
    }
    const changed = new Set<string>();
    let bytes = 0;
    const refs = [...wanted.values()].map(([entry]) => entry!);
    const gone = new Map(wanted);
    if (refs.length > 0) {
      for await (const content of source.contents(manifest, refs, signal)) {
        const entries = gone.get(content.sha256);
        if (entries === undefined)
          throw refused(source.name, `it gave ${content.sha256}, which nobody wanted`);
        gone.delete(content.sha256);
        bytes += entries[0]!.size;
        await this.#take(content.bytes, entries, `${manifest.name} ${manifest.version}`, changed);
        signal?.throwIfAborted();
      }
    }
    const [lacking] = gone.keys();
    if (lacking !== undefined) throw refused(source.name, `it did not give ${lacking}`);
    for (const folder of changed) await this.#disk.syncFolder(folder);
    if (changed.size > 0) await this.#disk.syncFolder(this.#layout.content);
    for (const sha256 of wanted.keys()) had.delete(sha256);
    return {
      contents: refs.length,
      bytes,
      hadContents: had.size,
      hadBytes: [...had.values()].reduce((sum, size) => sum + size, 0),
    };
  }

  /** Is that content here, unchanged? One that was changed goes away. */
  async #holds(entry: FileEntry): Promise<boolean> {
    const path = this.#layout.contentFile(entry);
    const found = await this.#disk.look(path);
    if (found === null) return false;
    if (
      found.type === 'file' &&
      found.size === entry.size &&
      found.mode === modeOnHost(entry) &&
      (await hashAt(this.#disk, path)) === entry.sha256
    )
      return true;
    await removeAll(this.#disk, path);
    return false;
  }

  /** Writes one content; where it is wanted executable and not, twice. */
  async #take(
    bytes: AsyncIterable<Uint8Array>,
    entries: readonly FileEntry[],
    of: string,
    changed: Set<string>,
  ): Promise<void> {
    const byMode = new Map(entries.map(entry => [entry.mode, entry]));
    let from: string | null = null;
    for (const entry of byMode.values()) {
      const staged = `${this.#layout.staging}/content`;
      await this.#disk.unlink(staged);
      const where = `${of}: ${entry.path}`;
      const source: AsyncIterable<Uint8Array> = from === null ? bytes : this.#disk.read(from);
      await this.#disk.write(staged, verifiedBytes(source, entry, where), modeOnHost(entry));
      const folder = this.#layout.contentFolder(entry);
      const file = this.#layout.contentFile(entry);
      await this.#disk.makeFolder(folder);
      await this.#disk.rename(staged, file);
      changed.add(folder);
      from = file;
    }
  }
}

/** SHA-256 of a file, in hex. */
export async function hashAt(disk: Disk, path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of disk.read(path)) hash.update(piece);
  return hash.digest('hex');
}

/** The bytes of a small file, or null when there is none. */
export async function bytesAt(disk: Disk, path: string): Promise<Buffer | null> {
  return (await disk.look(path))?.type === 'file' ? await readWhole(disk, path) : null;
}
