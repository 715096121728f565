import { createHash, type KeyObject } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, mkdir, readdir, readFile, readlink, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';
import { CoaxError } from '../../errors/coax-error.ts';
import { assertNoBomb, FILES_MEMBER, MANIFEST_MEMBER, SIGNATURE_MEMBER, unpackedBytes } from './archive.ts';
import { digestOf, type FileEntry, type Manifest, type ManifestEntry, manifestBytes } from './manifest.ts';
import { parsePackageFile } from './package-file.ts';
import { comparePaths } from './paths.ts';
import { signManifest } from './signature.ts';
import { verifiedBytes } from './verified-bytes.ts';

const PACKAGE_FILE = 'package.yaml';
/** Between speed and size: 40 MB/s on one core. Part of what makes the same bytes of the same input. */
const ZSTD_LEVEL = 9;
/** All members were last changed then, by nobody. */
const MTIME = new Date(0);

export interface BuiltPackage {
  readonly file: string;
  readonly manifest: Manifest;
  /** SHA-256 of the manifest: the identity of the package. */
  readonly digest: string;
  /** Of the archive. */
  readonly bytes: number;
  /** Of its files. */
  readonly unpackedBytes: number;
}

/**
 * Builds `NAME-VERSION.tar.zst` in `out` from a folder with `package.yaml` and `files/`. The same names, contents and
 * executable bits give the same bytes, whoever builds them, where and when. Nothing is left behind when it fails.
 * Errors: COAX_PACKAGE_INVALID with every fault, at its line in package.yaml or its file.
 */
export async function buildPackage(dir: string, out: string, key: KeyObject | null): Promise<BuiltPackage> {
  const manifest = (await readPackageFile(dir)).with(await scan(join(dir, FILES_MEMBER)));
  const bytes = manifestBytes(manifest);
  const file = join(out, `${manifest.name}-${manifest.version}.tar.zst`);
  const partial = `${file}.${process.pid}.partial`;
  await mkdir(out, { recursive: true });
  try {
    const archive = pack();
    const write = pipeline(archive, zstd(), createWriteStream(partial, { flush: true }));
    // A fault of the writing is told by `write`; the pack then waits for nobody.
    const fill = fillArchive(archive, dir, manifest, bytes, key).catch(error => {
      archive.destroy(error as Error);
      throw error;
    });
    await Promise.race([write, fill.then(() => write)]);
    const { size } = await stat(partial);
    assertNoBomb(unpackedBytes(manifest), size, dir);
    await rename(partial, file);
    return { file, manifest, digest: digestOf(bytes), bytes: size, unpackedBytes: unpackedBytes(manifest) };
  } finally {
    await rm(partial, { force: true });
  }
}

const zstd = () =>
  createZstdCompress({
    params: {
      [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  });

async function readPackageFile(dir: string): Promise<ReturnType<typeof parsePackageFile>> {
  const file = join(dir, PACKAGE_FILE);
  try {
    return parsePackageFile(await readFile(file, 'utf8'), file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined || error instanceof CoaxError) throw error;
    throw invalid(`${file} cannot be read: ${(error as Error).message}`, file);
  }
}

/** Everything beneath `files`, in the order of paths. A package may have none. */
async function scan(root: string): Promise<ManifestEntry[]> {
  const entries: ManifestEntry[] = [];
  const walk = async (folder: string): Promise<void> => {
    for (const name of await readdir(join(root, folder), { encoding: 'buffer' })) {
      const text = name.toString();
      if (!Buffer.from(text).equals(name)) throw invalid('a name is not UTF-8', join(root, folder, text));
      const path = folder === '' ? text : `${folder}/${text}`;
      const entry = await entryAt(join(root, path), path);
      entries.push(entry);
      if (entry.type === 'folder') await walk(path);
    }
  };
  const there = await lstat(root).catch(() => null);
  if (there !== null && !there.isDirectory()) throw invalid('is no folder', root);
  if (there !== null) await walk('');
  return entries.sort((a, b) => comparePaths(a.path, b.path));
}

async function entryAt(file: string, path: string): Promise<ManifestEntry> {
  const found = await lstat(file);
  if (found.isSymbolicLink()) return { path, type: 'link', target: await readlink(file) };
  if ((found.mode & 0o6000) !== 0 || (found.isFile() && (found.mode & 0o1000) !== 0))
    throw invalid(
      `has the mode ${(found.mode & 0o7777).toString(8)}: no setuid, setgid or sticky bits`,
      file,
    );
  if (found.isDirectory()) return { path, type: 'folder' };
  if (!found.isFile())
    throw invalid('is a device, pipe or socket; a package holds files, folders and links', file);
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of createReadStream(file)) {
    hash.update(piece as Buffer);
    size += (piece as Buffer).length;
  }
  return { path, type: 'file', mode: found.mode & 0o100 ? '0755' : '0644', size, sha256: hash.digest('hex') };
}

async function fillArchive(
  archive: Pack,
  dir: string,
  manifest: Manifest,
  bytes: Buffer,
  key: KeyObject | null,
): Promise<void> {
  const plain = { mtime: MTIME, uid: 0, gid: 0, uname: '', gname: '' };
  archive.entry({ ...plain, name: MANIFEST_MEMBER, mode: 0o644 }, bytes);
  if (key !== null) {
    const signature = `${JSON.stringify(signManifest(bytes, key))}\n`;
    archive.entry({ ...plain, name: SIGNATURE_MEMBER, mode: 0o644 }, signature);
  }
  for (const entry of manifest.entries) {
    const name = `${FILES_MEMBER}/${entry.path}`;
    if (entry.type === 'folder') archive.entry({ ...plain, name, type: 'directory', mode: 0o755 });
    else if (entry.type === 'link')
      archive.entry({ ...plain, name, type: 'symlink', linkname: entry.target, mode: 0o777 });
    else await writeFileMember(archive, { ...plain, name }, join(dir, name), entry);
  }
  archive.finalize();
}

/** A file that changes while it is packed would break the package; it is told now. */
async function writeFileMember(
  archive: Pack,
  header: { name: string; mtime: Date },
  file: string,
  entry: FileEntry,
): Promise<void> {
  const member = archive.entry({ ...header, size: entry.size, mode: Number.parseInt(entry.mode, 8) });
  await pipeline(verifiedBytes(createReadStream(file), entry, file), member);
}

function invalid(reason: string, where: string): CoaxError {
  return new CoaxError('COAX_PACKAGE_INVALID', reason.startsWith(where) ? reason : `${where}: ${reason}`, {
    where,
  });
}
