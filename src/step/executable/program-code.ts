import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { faultOfProgram } from '../../linux/process/start-fault.ts';

/** Of a file that cannot be read: the hash of nothing. */
const NO_CODE = createHash('sha256').digest('hex');

export interface ProgramCode {
  /** SHA-256 (hex) of the file's bytes. */
  readonly hash: string;
  /** Why it cannot be started, or null. */
  readonly fault: string | null;
}

/** What a program file is now. Reads it again only when the file's inode, size, times or mode say that it changed. */
export class ProgramFile {
  readonly #file: string;
  #stamp = '';
  #code: ProgramCode = { hash: NO_CODE, fault: null };

  constructor(file: string) {
    this.#file = file;
  }

  look(): ProgramCode {
    const stat = statSync(this.#file, { bigint: true, throwIfNoEntry: false });
    const stamp = stat ? [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs, stat.mode].join() : '';
    // A fault may be mended elsewhere (the interpreter gets installed): look again.
    if (stamp === '' || stamp !== this.#stamp || this.#code.fault !== null) {
      this.#code = { hash: this.#hash(), fault: faultOfProgram(this.#file) };
      this.#stamp = stamp;
    }
    return this.#code;
  }

  #hash(): string {
    try {
      return createHash('sha256').update(readFileSync(this.#file)).digest('hex');
    } catch {
      return NO_CODE;
    }
  }
}
