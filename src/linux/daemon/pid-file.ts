import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { LinuxError } from '../linux-error.ts';
import { ErrnoError } from '../native/errno.ts';
import { libc } from '../native/libc.ts';
import { constants } from '../native/tables.ts';

/** A file with this process's number, locked for as long as it lives. */
export interface PidFile extends Disposable {
  readonly path: string;
}

/**
 * Writes the number of this process into a file and holds a lock on it (flock(2)) that the kernel drops when the process ends, however it
 * ends: a file that a crash left behind is taken over, and a number that another process has by now misleads nobody. Children do not
 * inherit the lock. Disposed, the file is removed.
 *
 * Errors: LinuxError EEXIST when a living process holds it, the system's error when it cannot be written.
 */
export function holdPidFile(path: string): PidFile {
  for (;;) {
    const fd = openSync(path, 'a+', 0o644);
    let isHeld = false;
    try {
      lock(fd, path);
      // Its holder may have removed the file between our open and our lock: then we have locked a file that nobody finds.
      if (statSync(path, { throwIfNoEntry: false })?.ino !== fstatSync(fd).ino) continue;
      ftruncateSync(fd);
      writeSync(fd, `${process.pid}\n`);
      isHeld = true;
      return { path, [Symbol.dispose]: () => release(path, fd) };
    } finally {
      if (!isHeld) closeSync(fd);
    }
  }
}

/** A process that was killed holds its locks until the last of its threads has ended. */
const ENDING_LOOK_MS = 10;
const ENDING_LOOKS_MAX = 200;

function lock(fd: number, path: string): void {
  const { LOCK_EX, LOCK_NB } = constants();
  for (let looks = 0; ; looks++) {
    try {
      libc.flock!(fd, Number(LOCK_EX) | Number(LOCK_NB));
      return;
    } catch (error) {
      if (!(error instanceof ErrnoError) || error.code !== 'EAGAIN') throw error;
      const pid = pidIn(path);
      if (pid === null || !isEnding(pid) || looks === ENDING_LOOKS_MAX)
        throw new LinuxError(
          'EEXIST',
          `it runs already${pid ? ` as process ${pid}` : ''}: ${path} is locked`,
        );
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ENDING_LOOK_MS);
    }
  }
}

function pidIn(path: string): number | null {
  try {
    return Number(readFileSync(path, 'utf8').trim()) || null;
  } catch {
    return null;
  }
}

/** Is it a zombie, or gone? Source: proc(5), the state in /proc/PID/stat. */
function isEnding(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return /^\) [ZX]/.test(stat.slice(stat.lastIndexOf(')')));
  } catch {
    return true;
  }
}

function release(path: string, fd: number): void {
  rmSync(path, { force: true });
  closeSync(fd);
}
