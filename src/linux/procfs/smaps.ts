import { readFileSync } from 'node:fs';
import { procFault } from './proc-fault.ts';

/** One mapping of a process. Sizes are bytes. Source: proc_pid_smaps(5). */
export interface Mapping {
  /** First address, and the first behind it. */
  readonly start: number;
  readonly end: number;
  /** As in `rw-p`. */
  readonly permissions: string;
  /** A file's path, a name in brackets such as `[heap]`, or empty for anonymous memory. */
  readonly name: string;
  readonly sizeBytes: number;
  /** In memory now; of that, each page divided by how many processes share it. */
  readonly rssBytes: number;
  readonly pssBytes: number;
  /** In memory and of no file, or changed since it was read from its file. */
  readonly anonymousBytes: number;
  readonly swapBytes: number;
  /** Two letters each: `io` for memory of a device, `pf` for page frames without a page. */
  readonly flags: readonly string[];
}

const HEAD = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+ *(.*)$/;

/** The mappings of a process, in the order of their addresses. Errors: LinuxError ESRCH, EACCES. */
export function readSmaps(pid: number): Mapping[] {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/smaps`, 'latin1');
  } catch (error) {
    throw procFault(pid, 'smaps', error);
  }
  return parseSmaps(text);
}

export function parseSmaps(text: string): Mapping[] {
  const mappings: Mapping[] = [];
  let head: RegExpExecArray | null = null;
  let figures = new Map<string, number>();
  let flags: string[] = [];
  const close = (): void => {
    if (head === null) return;
    const [, start, end, permissions, name] = head as unknown as [string, string, string, string, string];
    const bytes = (figure: string): number => 1024 * (figures.get(figure) ?? 0);
    mappings.push({
      start: Number.parseInt(start, 16),
      end: Number.parseInt(end, 16),
      permissions,
      name,
      sizeBytes: bytes('Size'),
      rssBytes: bytes('Rss'),
      pssBytes: bytes('Pss'),
      anonymousBytes: bytes('Anonymous'),
      swapBytes: bytes('Swap'),
      flags,
    });
  };
  for (const line of text.split('\n')) {
    const found = HEAD.exec(line);
    if (found !== null) {
      close();
      head = found;
      figures = new Map();
      flags = [];
      continue;
    }
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const name = line.slice(0, colon);
    if (name === 'VmFlags')
      flags = line
        .slice(colon + 1)
        .trim()
        .split(' ');
    else figures.set(name, Number.parseInt(line.slice(colon + 1), 10));
  }
  close();
  return mappings;
}
