import { readdirSync, readFileSync } from 'node:fs';
import { LinuxError } from '../linux-error.ts';
import { procFault } from './proc-fault.ts';

/** A file of a process as text. Errors: LinuxError ESRCH when there is no such process, EACCES without the right. */
export function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    throw procFault(pid, file, error);
  }
}

/** Numbers of the processes that there are now. */
export function processIds(): number[] {
  return numbersIn(readdirSync('/proc'));
}

/** Numbers of a process's threads; the first one's is the process's own. Errors: LinuxError ESRCH. */
export function threadIds(pid: number): number[] {
  try {
    return numbersIn(readdirSync(`/proc/${pid}/task`));
  } catch (error) {
    throw procFault(pid, 'task', error);
  }
}

const numbersIn = (names: readonly string[]): number[] =>
  names
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .sort((one, other) => one - other);

/** What `read` gives; null where the process has ended or this one may not look. Other faults are thrown. */
export function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof LinuxError && ['ESRCH', 'EACCES', 'EPERM'].includes(error.code)) return null;
    throw error;
  }
}

/** `Name: value` a line, as the kernel writes many files. */
export function fieldLines(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return fields;
}

/** Bytes of a figure such as `12 kB`; 0 where it is missing. */
export const kibField = (fields: ReadonlyMap<string, string>, name: string): number =>
  1024 * Number.parseInt(fields.get(name) ?? '0', 10);
