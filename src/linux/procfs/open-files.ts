import { readdirSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { procFault } from './proc-fault.ts';

export type OpenFileKind = 'file' | 'directory' | 'device' | 'pipe' | 'socket' | 'anonymous' | 'other';

/** A descriptor of a process. Source: proc_pid_fd(5). */
export interface OpenFile {
  readonly fd: number;
  readonly kind: OpenFileKind;
  /** A path, or as in `socket:[4242]`, `pipe:[4242]`, `anon_inode:[eventpoll]`. */
  readonly target: string;
  /** The file has no name any more; its room is given back when the last one closes it. */
  readonly isDeleted: boolean;
}

/** What a process has open, by number. What it closes meanwhile is left out. Errors: LinuxError ESRCH, EACCES. */
export function openFiles(pid: number): OpenFile[] {
  let names: string[];
  try {
    names = readdirSync(`/proc/${pid}/fd`);
  } catch (error) {
    throw procFault(pid, 'fd', error);
  }
  return names
    .map(Number)
    .sort((one, other) => one - other)
    .map(fd => openFile(pid, fd))
    .filter(file => file !== null);
}

/** How many of each kind. */
export function countByKind(files: readonly OpenFile[]): Partial<Record<OpenFileKind, number>> {
  const counts: Partial<Record<OpenFileKind, number>> = {};
  for (const { kind } of files) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

const DELETED = ' (deleted)';

function openFile(pid: number, fd: number): OpenFile | null {
  const link = `/proc/${pid}/fd/${fd}`;
  try {
    const target = readlinkSync(link);
    if (target.startsWith('anon_inode:')) return { fd, kind: 'anonymous', target, isDeleted: false };
    const stats = statSync(link);
    // A name may end so by itself: only a file without one has no links.
    const isDeleted = target.endsWith(DELETED) && stats.nlink === 0;
    return {
      fd,
      kind: kindOf(stats),
      target: isDeleted ? target.slice(0, -DELETED.length) : target,
      isDeleted,
    };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw procFault(pid, `fd/${fd}`, error);
  }
}

function kindOf(stats: Stats): OpenFileKind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSocket()) return 'socket';
  if (stats.isFIFO()) return 'pipe';
  return stats.isCharacterDevice() || stats.isBlockDevice() ? 'device' : 'other';
}
