import { LinuxError } from '../linux-error.ts';
import { Accounts, type DelaysCounted, delaysCounted } from '../netlink/taskstats.ts';
import { readProcessIo } from '../procfs/process-io.ts';
import { readArguments, readProcessStat } from '../procfs/process-stat.ts';
import { readProcessStatus } from '../procfs/process-status.ts';
import { processIds, readable } from '../procfs/read-proc.ts';

/** What a process has used up to one instant. */
export interface ProcessSample {
  readonly pid: number;
  /** With the pid it tells this process from any other: see `ProcessStat`. */
  readonly startMs: number;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly uid: number;
  readonly state: string;
  readonly threads: number;
  readonly cpuMs: number;
  readonly rssBytes: number;
  /** From disks and to them; null without the right to know. Of what is written, what was taken back is not counted. */
  readonly readBytes: number | null;
  readonly writtenBytes: number | null;
  /** Its threads' waits for disks, summed up; null where that is not counted. */
  readonly ioDelayNs: number | null;
}

export interface Sample {
  /** Since the machine was started, whoever asks. */
  readonly atMs: number;
  readonly processes: ReadonlyMap<number, ProcessSample>;
}

/** Takes samples of processes. */
export class Sampler implements Disposable {
  readonly #accounts: Accounts | null;
  /** Whether waits for disks are counted, or why not. */
  readonly delays: DelaysCounted;

  private constructor(accounts: Accounts | null, delays: DelaysCounted) {
    this.#accounts = accounts;
    this.delays = delays;
  }

  /** Errors: LinuxError. */
  static async open(): Promise<Sampler> {
    const delays = await delaysCounted();
    return new Sampler(delays.counted ? await Accounts.open() : null, delays);
  }

  /** Of these processes, or of all that there are. Those that have ended are not in it. Errors: LinuxError. */
  async take(pids?: readonly number[]): Promise<Sample> {
    const atMs = Number(process.hrtime.bigint() / 1000n) / 1000;
    const found = (pids ?? processIds())
      .map(pid => readable(() => sampleOf(pid)))
      .filter(one => one !== null);
    const processes = new Map<number, ProcessSample>();
    for (const sample of found)
      processes.set(sample.pid, { ...sample, ioDelayNs: await this.#ioDelayNs(sample.pid) });
    return { atMs, processes };
  }

  async #ioDelayNs(pid: number): Promise<number | null> {
    if (this.#accounts === null) return null;
    try {
      return (await this.#accounts.process(pid)).ioNs;
    } catch (error) {
      if (error instanceof LinuxError && ['ESRCH', 'EPERM'].includes(error.code)) return null;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#accounts?.[Symbol.dispose]();
  }
}

function sampleOf(pid: number): Omit<ProcessSample, 'ioDelayNs'> {
  const { startMs, command, state, threads, userMs, systemMs } = readProcessStat(pid);
  const { uids, rssBytes } = readProcessStatus(pid);
  const io = readable(() => readProcessIo(pid));
  return {
    pid,
    startMs,
    command,
    arguments: readable(() => readArguments(pid)) ?? [],
    uid: uids[1] ?? 0,
    state,
    threads,
    cpuMs: userMs + systemMs,
    rssBytes,
    readBytes: io?.readBytes ?? null,
    writtenBytes: io === null ? null : Math.max(0, io.writtenBytes - io.cancelledBytes),
  };
}
