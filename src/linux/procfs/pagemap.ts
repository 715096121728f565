import { closeSync, openSync, readSync } from 'node:fs';
import { procFault } from './proc-fault.ts';

const PAGE = 4096;
const ENTRY = 8;
const ENTRIES = 8192;
/** Bit 63 of an entry, in its upper word. Source: Documentation/admin-guide/mm/pagemap.rst. */
const PRESENT = 0x8000_0000;

export interface Stretch {
  /** Address, and bytes. */
  readonly start: number;
  readonly bytes: number;
}

/** Which pages of a process are in memory, so that others are neither read nor brought in. */
export class Pagemap {
  readonly #fd: number;
  readonly #pid: number;
  readonly #entries = Buffer.alloc(ENTRIES * ENTRY);

  /** Errors: LinuxError ESRCH, EACCES. */
  constructor(pid: number) {
    this.#pid = pid;
    try {
      this.#fd = openSync(`/proc/${pid}/pagemap`, 'r');
    } catch (error) {
      throw procFault(pid, 'pagemap', error);
    }
  }

  /** Stretches of pages in memory between two addresses that are multiples of a page, none longer than `most` bytes. */
  *present(start: number, end: number, most: number): Generator<Stretch> {
    let from = -1;
    for (let at = start; at < end; at += ENTRIES * PAGE) {
      const wanted = Math.min(ENTRIES, (end - at) / PAGE);
      const read = this.#read(at, wanted);
      for (let entry = 0; entry < read; entry += 1) {
        const address = at + entry * PAGE;
        const isPresent = this.#entries.readUInt32LE(entry * ENTRY + 4) >= PRESENT;
        if (from >= 0 && (!isPresent || address - from >= most)) {
          yield { start: from, bytes: address - from };
          from = -1;
        }
        if (isPresent && from < 0) from = address;
      }
      if (read < wanted) {
        if (from >= 0) yield { start: from, bytes: at + read * PAGE - from };
        return;
      }
    }
    if (from >= 0) yield { start: from, bytes: end - from };
  }

  #read(address: number, entries: number): number {
    try {
      const read = readSync(this.#fd, this.#entries, 0, entries * ENTRY, (address / PAGE) * ENTRY);
      return Math.floor(read / ENTRY);
    } catch (error) {
      throw procFault(this.#pid, 'pagemap', error);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
