import type { ProcessSample, Sample } from './sampler.ts';

/** What a process used of a machine between two samples. */
export interface ProcessUse {
  readonly pid: number;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly uid: number;
  /** One letter, as in `ProcessStat`. */
  readonly state: string;
  readonly threads: number;
  /** 100 is one CPU all the time. */
  readonly cpuPercent: number;
  /** In memory at the end. */
  readonly rssBytes: number;
  /** From disks and to them, in the whole time; null without the right to know. */
  readonly readBytes: number | null;
  readonly writtenBytes: number | null;
  readonly readBytesPerSecond: number | null;
  readonly writeBytesPerSecond: number | null;
  /** Of the time, how much its threads waited for disks, on average of them; null where that is not counted. */
  readonly ioDelayPercent: number | null;
}

const NS_PER_MS = 1e6;

/** What each process of the later sample used since the earlier one, or since it was started if that was later. */
export function useBetween(before: Sample, after: Sample): ProcessUse[] {
  const ms = Math.max(1, after.atMs - before.atMs);
  return [...after.processes.values()].map(now => {
    const was = before.processes.get(now.pid);
    return useOf(now, was?.startMs === now.startMs ? was : null, ms);
  });
}

function useOf(now: ProcessSample, was: ProcessSample | null, ms: number): ProcessUse {
  const readBytes = grown(now.readBytes, was === null ? 0 : was.readBytes);
  const writtenBytes = grown(now.writtenBytes, was === null ? 0 : was.writtenBytes);
  const delayNs = grown(now.ioDelayNs, was === null ? 0 : was.ioDelayNs);
  const perSecond = (bytes: number | null): number | null => (bytes === null ? null : (bytes * 1000) / ms);
  const { pid, command, arguments: words, uid, state, threads, rssBytes } = now;
  return {
    pid,
    command,
    arguments: words,
    uid,
    state,
    threads,
    cpuPercent: (100 * Math.max(0, now.cpuMs - (was?.cpuMs ?? 0))) / ms,
    rssBytes,
    readBytes,
    writtenBytes,
    readBytesPerSecond: perSecond(readBytes),
    writeBytesPerSecond: perSecond(writtenBytes),
    ioDelayPercent:
      delayNs === null ? null : Math.min(100, (100 * delayNs) / NS_PER_MS / ms / Math.max(1, threads)),
  };
}

/** Counters only grow; but what was written and is taken back later makes less of it. */
const grown = (now: number | null, was: number | null): number | null =>
  now === null || was === null ? null : Math.max(0, now - was);
