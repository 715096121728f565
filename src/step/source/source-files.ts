import { type Fault, textOf } from '../../errors/coax-error.ts';
import { signatureOf } from './folder-watch.ts';

/** What was made of one file. */
export interface SourceFile<T> {
  /** The last version that could be used; null if none ever could. */
  readonly good: T | null;
  /** Why the file as it is now cannot be used; null if it can. */
  readonly fault: string | null;
}

interface Entry<T> extends SourceFile<T> {
  readonly signature: string;
  /** The file and what it imports. */
  readonly files: readonly string[];
}

/** Reads files again when they, or files that they import, have changed; keeps the last good version of each. */
export class SourceFiles<T> {
  readonly #load: (file: string) => Promise<{ value: T; files: readonly string[] }>;
  #entries = new Map<string, Entry<T>>();

  constructor(load: (file: string) => Promise<{ value: T; files: readonly string[] }>) {
    this.#load = load;
  }

  /** Brings the files up to date; says whether anything changed. Files that are no longer named are forgotten. */
  async update(files: readonly string[]): Promise<boolean> {
    const before = this.#entries;
    const entries = new Map<string, Entry<T>>();
    let changed = false;
    for (const file of files) {
      const old = before.get(file);
      const same = old !== undefined && old.signature === signatures(old.files);
      entries.set(file, same ? old : await this.#read(file, old?.good ?? null));
      changed ||= !same;
    }
    this.#entries = entries;
    return changed || before.size !== entries.size;
  }

  get(file: string): SourceFile<T> | undefined {
    return this.#entries.get(file);
  }

  async #read(file: string, last: T | null): Promise<Entry<T>> {
    // Taken before the file is read: a change in between is then seen at the next look.
    const signature = signatureOf(file);
    try {
      const { value, files } = await this.#load(file);
      const others = files.filter(other => other !== file);
      return {
        good: value,
        fault: null,
        files: [file, ...others],
        signature: [signature, ...others.map(signatureOf)].join('\n'),
      };
    } catch (error) {
      const others = ((error as { files?: readonly string[] }).files ?? []).filter(other => other !== file);
      return {
        good: last,
        fault: textOf(error),
        files: [file, ...others],
        signature: [signature, ...others.map(signatureOf)].join('\n'),
      };
    }
  }
}

const signatures = (files: readonly string[]): string => files.map(signatureOf).join('\n');

/** Calls back with the faults that were not there the last time. */
export function onlyNew(onFault: ((fault: Fault) => void) | undefined): (faults: readonly Fault[]) => void {
  let known = new Set<string>();
  return faults => {
    const before = known;
    known = new Set(faults.map(({ where, reason }) => `${where}: ${reason}`));
    for (const fault of faults) if (!before.has(`${fault.where}: ${fault.reason}`)) onFault?.(fault);
  };
}

/** Runs one refresh at a time; one that is asked for meanwhile begins after it, and several are one. */
export function oneAtATime<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  let next: Promise<T> | null = null;
  const start = (): Promise<T> => {
    running = work().finally(() => {
      running = null;
    });
    return running;
  };
  return () => {
    if (running === null) return start();
    next ??= running
      .catch(() => {})
      .then(() => {
        next = null;
        return start();
      });
    return next;
  };
}
