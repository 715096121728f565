import { createReadStream } from 'node:fs';
import {
  chmod,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  rename,
  rmdir,
  symlink,
  unlink,
} from 'node:fs/promises';

/** What stands at a path. */
export interface Standing {
  readonly type: 'file' | 'folder' | 'link' | 'other';
  /** Permission bits, with setuid, setgid and sticky. */
  readonly mode: number;
  /** Bytes. */
  readonly size: number;
  /** Names that the same file has. */
  readonly links: number;
}

/**
 * All operations on files by which packages come to stand on a host, in one place: so a test can end them between any two, and
 * lose all that was not made to last. A change is made to last by `syncFolder` of the folder that it was made in, but for
 * what `write` puts into its file, which has lasted when it returns.
 */
export interface Disk {
  /** Makes a folder with mode 0755; one that is there is left as it is. */
  makeFolder(path: string): Promise<void>;
  /** Makes a file that is not there yet, with just that mode. */
  write(path: string, bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, mode: number): Promise<void>;
  /** Gives a file one more name. */
  link(from: string, to: string): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  /** At once, in the place of whatever file or link has the new name. */
  rename(from: string, to: string): Promise<void>;
  /** A name that is not there is no error. */
  unlink(path: string): Promise<void>;
  /** An empty folder. */
  removeFolder(path: string): Promise<void>;
  syncFolder(path: string): Promise<void>;
  /** Links are not followed; null: nothing is there. */
  look(path: string): Promise<Standing | null>;
  /** Names in a folder; none where there is no folder. */
  list(path: string): Promise<string[]>;
  /** Null where there is no link. */
  readLink(path: string): Promise<string | null>;
  read(path: string): AsyncIterable<Uint8Array>;
}

const GONE = new Set(['ENOENT', 'ENOTDIR']);
const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

/** What a promise gives, or `instead` when nothing is at that path. */
async function unlessGone<T>(done: Promise<T>, instead: T): Promise<T> {
  try {
    return await done;
  } catch (error) {
    if (GONE.has(codeOf(error))) return instead;
    throw error;
  }
}

/** The disk of this machine. */
export const REAL_DISK: Disk = {
  async makeFolder(path) {
    try {
      await mkdir(path, 0o755);
      // The umask has no say: whoever uses a package may be somebody else.
      await chmod(path, 0o755);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  },
  async write(path, bytes, mode) {
    const file = await open(path, 'wx', 0o600);
    try {
      for await (const piece of bytes) await file.writeFile(piece);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
  },
  link,
  symlink,
  rename,
  unlink: path => unlessGone(unlink(path), undefined),
  removeFolder: path => unlessGone(rmdir(path), undefined),
  async syncFolder(path) {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
  async look(path) {
    const found = await unlessGone(lstat(path), null);
    if (found === null) return null;
    const type = found.isFile()
      ? 'file'
      : found.isDirectory()
        ? 'folder'
        : found.isSymbolicLink()
          ? 'link'
          : 'other';
    return { type, mode: found.mode & 0o7777, size: found.size, links: found.nlink };
  },
  list: path => unlessGone(readdir(path), []),
  readLink: path =>
    readlink(path).catch(error => {
      if (GONE.has(codeOf(error)) || codeOf(error) === 'EINVAL') return null;
      throw error;
    }),
  read: path => createReadStream(path),
};

/** Removes whatever is at a path, all that lies in it too. Not at once: for what nobody looks at any more. */
export async function removeAll(disk: Disk, path: string): Promise<void> {
  if ((await disk.look(path))?.type !== 'folder') return disk.unlink(path);
  for (const name of await disk.list(path)) await removeAll(disk, `${path}/${name}`);
  await disk.removeFolder(path);
}

export async function readWhole(disk: Disk, path: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of disk.read(path)) pieces.push(piece);
  return Buffer.concat(pieces);
}
