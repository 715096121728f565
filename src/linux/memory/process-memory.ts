import { closeSync, openSync, readSync } from 'node:fs';
import { LinuxError } from '../linux-error.ts';
import { procFault } from '../procfs/proc-fault.ts';

/** Reads the memory of a process, never writes it. Source: proc_pid_mem(5). */
export class ProcessMemory {
  readonly #pid: number;
  readonly #fd: number;

  /** Errors: LinuxError ESRCH; EACCES without the right to read another's memory. */
  constructor(pid: number) {
    this.#pid = pid;
    try {
      this.#fd = openSync(`/proc/${pid}/mem`, 'r');
    } catch (error) {
      throw procFault(pid, 'mem', error);
    }
  }

  /** Bytes read into the buffer from an address on; 0 where there is nothing to read, such as memory that was just given back. */
  read(address: number, into: Uint8Array, bytes = into.length): number {
    try {
      return readSync(this.#fd, into, 0, bytes, BigInt(address));
    } catch (error) {
      const { code = 'EIO' } = error as NodeJS.ErrnoException;
      if (code === 'EIO' || code === 'EFAULT') return 0;
      if (code === 'ESRCH') throw new LinuxError('ESRCH', `process ${this.#pid} has ended meanwhile`);
      throw procFault(this.#pid, 'mem', error);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
