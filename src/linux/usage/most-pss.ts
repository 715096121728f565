import { readable } from '../procfs/read-proc.ts';
import { readRollup } from '../procfs/smaps-rollup.ts';

/** The share of memory of a process in bytes; null without the right to know, or when it has ended. */
export function pssOf(pid: number): number | null {
  return readable(() => readRollup(pid).pssBytes);
}

/**
 * Those that take the most memory by their share of it, the most first. To know a share the kernel walks all pages of a process; a
 * share is never more than what is in memory, so few are looked at.
 */
export function mostPss<T extends { readonly pid: number; readonly rssBytes: number }>(
  processes: readonly T[],
  limit: number,
  shareOf: (pid: number) => number | null = pssOf,
): (T & { readonly pssBytes: number | null })[] {
  const most: (T & { pssBytes: number | null })[] = [];
  for (const one of processes.toSorted((a, b) => b.rssBytes - a.rssBytes)) {
    if (most.length >= limit && (most[limit - 1]!.pssBytes ?? 0) >= one.rssBytes) break;
    most.push({ ...one, pssBytes: one.rssBytes === 0 ? 0 : shareOf(one.pid) });
    most.sort((a, b) => (b.pssBytes ?? 0) - (a.pssBytes ?? 0));
  }
  return most.slice(0, limit);
}
