/** A file of the archive. `mode` holds the type bits too, as in stat(2). */
export interface CpioEntry {
  /** Relative, without a leading slash. */
  readonly path: string;
  readonly mode: number;
  readonly data?: Buffer;
  /** Major and minor of a device node. */
  readonly device?: readonly [number, number];
}

export const FOLDER = 0o040755;
export const FILE = 0o100644;
export const PROGRAM = 0o100755;
export const SYMLINK = 0o120777;
export const CHARACTER_DEVICE = 0o020600;

/**
 * An archive in the kernel's initramfs format (cpio "newc", Documentation/driver-api/early-userspace/buffer-format).
 * Owner root, time 0, entries in the order given: equal entries give equal bytes. Written here and not by cpio(1),
 * because that needs root for a device node and the right umask for modes.
 */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const parts: Buffer[] = [];
  entries.forEach((entry, index) => {
    parts.push(...record(entry, index + 1));
  });
  parts.push(...record({ path: 'TRAILER!!!', mode: 0 }, 0));
  return Buffer.concat(parts);
}

function record(entry: CpioEntry, inode: number): Buffer[] {
  const data = entry.data ?? Buffer.alloc(0);
  const name = Buffer.from(`${entry.path}\0`);
  const [major, minor] = entry.device ?? [0, 0];
  const links = (entry.mode & 0o170000) === 0o040000 ? 2 : 1;
  const numbers = [inode, entry.mode, 0, 0, links, 0, data.length, 0, 0, major, minor, name.length, 0];
  const header = Buffer.from(`070701${numbers.map(n => n.toString(16).padStart(8, '0')).join('')}`);
  return [header, name, padding(header.length + name.length), data, padding(data.length)];
}

function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4);
}
