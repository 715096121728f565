/** What the process of a guest has used since it was started. Null where its host cannot tell. */
export interface GuestCounters {
  /** When this was so, and when the process was started: milliseconds since the host was. */
  readonly atMs: number;
  readonly startMs: number;
  readonly cpuMs: number;
  /** From disks and to them. */
  readonly readBytes: number | null;
  readonly writtenBytes: number | null;
  /** How long its threads waited for disks, summed up; and how many they are. */
  readonly ioDelayMs: number | null;
  readonly threads: number;
}

/** What a guest uses now, as its host tells: over the time since it told before. */
export interface GuestUse {
  /** 100 is one CPU of the host all the time. */
  readonly cpuPercent: number;
  readonly rssBytes: number;
  /** Its share of the host's memory: what several guests have in common counts in part for each. */
  readonly pssBytes: number | null;
  readonly readBytesPerSecond: number | null;
  readonly writeBytesPerSecond: number | null;
  /** How much of the time its threads waited for disks, on average of them. */
  readonly ioDelayPercent: number | null;
  readonly counters: GuestCounters;
}

/** Between two looks at one process, that is; what is added in between, by time. */
export type UseRates = Pick<
  GuestUse,
  'cpuPercent' | 'readBytesPerSecond' | 'writeBytesPerSecond' | 'ioDelayPercent'
>;

/** Null when it is another process, or no time went by. */
export function ratesBetween(was: GuestCounters, now: GuestCounters): UseRates | null {
  const ms = now.atMs - was.atMs;
  if (was.startMs !== now.startMs || ms <= 0) return null;
  const grown = (before: number | null, after: number | null): number | null =>
    before === null || after === null ? null : Math.max(0, after - before) / ms;
  const perSecond = (perMs: number | null): number | null => (perMs === null ? null : 1000 * perMs);
  const delayed = grown(was.ioDelayMs, now.ioDelayMs);
  return {
    cpuPercent: 100 * grown(was.cpuMs, now.cpuMs)!,
    readBytesPerSecond: perSecond(grown(was.readBytes, now.readBytes)),
    writeBytesPerSecond: perSecond(grown(was.writtenBytes, now.writtenBytes)),
    ioDelayPercent: delayed === null ? null : Math.min(100, (100 * delayed) / Math.max(1, now.threads)),
  };
}
