import { LinuxError } from '../../linux/linux-error.ts';
import { readRollupAside } from '../../linux/procfs/smaps-rollup.ts';
import { type ProcessSample, Sampler } from '../../linux/usage/sampler.ts';
import { type GuestCounters, type GuestUse, ratesBetween } from './guest-use.ts';

/** What is measured of a guest. */
export interface MeteredGuest {
  readonly uuid: string;
  readonly pid: number | null;
}

interface Known {
  readonly counters: GuestCounters;
  /** Its share of memory as it was weighed last. */
  readonly pssBytes: number | null;
  readonly weighedAtMs: number;
  /** How long the kernel took for that. */
  readonly weighingMs: number;
}

/** To weigh the memory of a large guest takes the kernel a while: at most this part of the time goes there. */
const WEIGHING_SHARE = 0.01;
const NS_PER_MS = 1e6;

/** Measures the guests of this machine, each time against the time before. */
export class GuestMeter implements Disposable {
  #sampler: Sampler | null = null;
  #known = new Map<string, Known>();
  #turn: Promise<void> = Promise.resolve();

  /**
   * What each guest uses; none yet for one that is seen for the first time, that has no process, or whose process may not be looked at.
   * Errors: LinuxError where the kernel tells nothing at all.
   */
  measure(guests: readonly MeteredGuest[]): Promise<ReadonlyMap<string, GuestUse>> {
    const measured = this.#measure(guests);
    this.#turn = measured.then(
      () => {},
      () => {},
    );
    return measured;
  }

  async #measure(guests: readonly MeteredGuest[]): Promise<ReadonlyMap<string, GuestUse>> {
    const running = guests.filter((guest): guest is MeteredGuest & { pid: number } => guest.pid !== null);
    if (running.length === 0) {
      this.#known = new Map();
      return new Map();
    }
    this.#sampler ??= await Sampler.open();
    const { atMs, processes } = await this.#sampler.take(running.map(({ pid }) => pid));
    const known = new Map<string, Known>();
    const uses = new Map<string, GuestUse>();
    for (const { uuid, pid } of running) {
      const sample = processes.get(pid);
      if (sample === undefined) continue;
      const was = this.#known.get(uuid);
      const counters = countersOf(sample, atMs);
      const weighed = await weighedOf(sample, was?.counters.startMs === sample.startMs ? was : undefined);
      known.set(uuid, { counters, ...weighed });
      const rates = was === undefined ? null : ratesBetween(was.counters, counters);
      if (rates !== null)
        uses.set(uuid, { ...rates, rssBytes: sample.rssBytes, pssBytes: weighed.pssBytes, counters });
    }
    this.#known = known;
    return uses;
  }

  /** What it is measuring goes on to its end. */
  [Symbol.dispose](): void {
    void this.#turn.then(() => {
      this.#sampler?.[Symbol.dispose]();
      this.#sampler = null;
    });
  }
}

function countersOf(sample: ProcessSample, atMs: number): GuestCounters {
  const { startMs, cpuMs, readBytes, writtenBytes, ioDelayNs, threads } = sample;
  const ioDelayMs = ioDelayNs === null ? null : ioDelayNs / NS_PER_MS;
  return { atMs, startMs, cpuMs, readBytes, writtenBytes, ioDelayMs, threads };
}

async function weighedOf({ pid }: ProcessSample, was?: Known): Promise<Omit<Known, 'counters'>> {
  const begunAt = performance.now();
  if (was !== undefined && begunAt - was.weighedAtMs < was.weighingMs / WEIGHING_SHARE) return was;
  const pssBytes = await readRollupAside(pid).then(
    rollup => rollup.pssBytes,
    (error: unknown) => {
      if (error instanceof LinuxError) return null;
      throw error;
    },
  );
  return { pssBytes, weighedAtMs: begunAt, weighingMs: performance.now() - begunAt };
}
