import { bytesText } from '../../output/bytes.ts';
import type { Column } from '../../output/table.ts';

/** What a process or a VM uses, as far as it is known. */
export interface UseFigures {
  /** 100 is one CPU all the time. */
  readonly cpuPercent: number;
  readonly rssBytes: number;
  readonly pssBytes: number | null;
  readonly readBytesPerSecond: number | null;
  readonly writeBytesPerSecond: number | null;
  readonly ioDelayPercent: number | null;
}

export const SORTS = ['cpu', 'mem', 'read', 'write', 'io', 'delay'] as const;
export type TopSort = (typeof SORTS)[number];

const RANK: Readonly<Record<TopSort, (use: UseFigures) => number>> = {
  cpu: use => use.cpuPercent,
  mem: use => use.pssBytes ?? use.rssBytes,
  read: use => use.readBytesPerSecond ?? 0,
  write: use => use.writeBytesPerSecond ?? 0,
  io: use => (use.readBytesPerSecond ?? 0) + (use.writeBytesPerSecond ?? 0),
  delay: use => use.ioDelayPercent ?? 0,
};

/** Those that use the most first; the more memory where that is the same. */
export function byUse<T extends UseFigures>(rows: readonly T[], sort: TopSort): T[] {
  const rank = RANK[sort];
  return rows.toSorted((a, b) => rank(b) - rank(a) || b.rssBytes - a.rssBytes);
}

/** The columns of all figures; what it is sorted by has a mark. */
export function useColumns<T extends UseFigures>(sort: TopSort): Column<T>[] {
  const head = (text: string, ...by: TopSort[]): string => (by.includes(sort) ? `${text}↓` : text);
  const figure = (text: string, of: (row: T) => string): Column<T> => ({ head: text, right: true, cell: of });
  return [
    figure(head('CPU%', 'cpu'), row => row.cpuPercent.toFixed(1)),
    figure(head('PSS', 'mem'), row => bytesOr(row.pssBytes)),
    { ...figure('RSS', row => bytesText(row.rssBytes)), wide: true },
    figure(head('READ/S', 'read', 'io'), row => bytesOr(row.readBytesPerSecond)),
    figure(head('WRITE/S', 'write', 'io'), row => bytesOr(row.writeBytesPerSecond)),
    figure(head('IO%', 'delay'), row => (row.ioDelayPercent === null ? '' : row.ioDelayPercent.toFixed(1))),
  ];
}

const bytesOr = (bytes: number | null): string => (bytes === null ? '-' : bytesText(bytes));
