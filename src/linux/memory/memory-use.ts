import { readFileSync } from 'node:fs';
import { procFault } from '../procfs/proc-fault.ts';
import { type Mapping, readSmaps } from '../procfs/smaps.ts';

/** What the mappings of one name take together, in bytes. */
export interface MemoryOfMapping {
  /** A file's path, a name in brackets such as `[heap]`, or `anonymous`. */
  readonly mapping: string;
  /** Mappings of that name. */
  readonly count: number;
  readonly sizeBytes: number;
  readonly rssBytes: number;
  readonly pssBytes: number;
  readonly anonymousBytes: number;
  readonly swapBytes: number;
}

export type MemoryFigures = Omit<MemoryOfMapping, 'mapping' | 'count'>;

export interface MemoryUse {
  readonly pid: number;
  /** The program's name, as the kernel keeps it: 15 characters at most. */
  readonly command: string;
  readonly total: MemoryFigures;
  /** Those that take the most first, by their share of memory (PSS) and swap. */
  readonly mappings: readonly MemoryOfMapping[];
}

/** Where the memory of a process goes. Errors: LinuxError ESRCH, EACCES. */
export function memoryUse(pid: number): MemoryUse {
  const byName = Map.groupBy(readSmaps(pid), ({ name }) => name || 'anonymous');
  const mappings = [...byName].map(([mapping, of]) => ({ mapping, count: of.length, ...sumOf(of) }));
  mappings.sort((one, other) => other.pssBytes + other.swapBytes - one.pssBytes - one.swapBytes);
  return { pid, command: commandOf(pid), total: sumOf(mappings), mappings };
}

function sumOf(all: readonly (Mapping | MemoryOfMapping)[]): MemoryFigures {
  const sum = (figure: keyof MemoryFigures): number => all.reduce((so, one) => so + one[figure], 0);
  return {
    sizeBytes: sum('sizeBytes'),
    rssBytes: sum('rssBytes'),
    pssBytes: sum('pssBytes'),
    anonymousBytes: sum('anonymousBytes'),
    swapBytes: sum('swapBytes'),
  };
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd();
  } catch (error) {
    throw procFault(pid, 'comm', error);
  }
}
