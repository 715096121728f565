import koffi from 'koffi';
import { LinuxError } from '../linux-error.ts';

/** Other names of numbers that have one. Source: errno(3). */
const SECOND_NAMES = new Set(['EWOULDBLOCK', 'EDEADLOCK', 'ENOTSUP']);

let names: Map<number, string> | null = null;

/** `ENOENT` for 2. Source: errno(3). */
export function errnoName(errno: number): string {
  names ??= new Map(
    Object.entries(koffi.os.errno)
      .filter(([name]) => !SECOND_NAMES.has(name))
      .map(([name, number]) => [number as number, name]),
  );
  return names.get(errno) ?? `errno ${errno}`;
}

/** A function of the system has failed: `code` is the errno's name, as in `ENOENT`. */
export class ErrnoError extends LinuxError {
  readonly errno: number;
  /** The function that was called. */
  readonly call: string;

  constructor(call: string, errno: number, text: string) {
    const code = errnoName(errno);
    super(code, `${call}: ${text} (${code})`);
    this.name = 'ErrnoError';
    this.errno = errno;
    this.call = call;
  }
}
