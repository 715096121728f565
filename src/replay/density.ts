import type { Use, UseOfFleet } from './use-of-fleet.ts';

/** How full the fleet was in a span of time: means weighted by time. */
export interface DensityPoint {
  /** Seconds since the start of the trace. */
  readonly fromS: number;
  readonly hostsInUse: number;
  /** Share taken of what the hosts in use have; the larger of CPU and memory: the one that binds. */
  readonly packed: number;
  readonly cpu: number;
  readonly mem: number;
  /** Share given out of all GPUs of the fleet; 0 when it has none. */
  readonly gpu: number;
}

const POINTS_MAX = 128;

interface Span {
  seconds: number;
  hosts: number;
  taken: Use;
  inUse: Use;
}

const emptySpan = (): Span => ({
  seconds: 0,
  hosts: 0,
  taken: { cpuMilli: 0, memMib: 0, gpuMilli: 0 },
  inUse: { cpuMilli: 0, memMib: 0, gpuMilli: 0 },
});

/**
 * Sums what a fleet holds over time, in equal spans: at most 128 of them, joined in pairs whenever the trace turns out to be
 * longer, so that a stream of any length needs no more memory. Time is in seconds and does not go back.
 */
export class Density {
  readonly #whole = emptySpan();
  readonly #gpuTotal: number;
  #spans: Span[] = [];
  #width = 1;
  #start: number | null = null;
  #last = 0;

  constructor(gpuMilliTotal: number) {
    this.#gpuTotal = gpuMilliTotal;
  }

  /** What the fleet holds has been so since the last call; from now on it may change. */
  passTo(atS: number, fleet: UseOfFleet): void {
    this.#start ??= this.#last = atS;
    while (this.#last < atS) {
      let index = Math.floor((this.#last - this.#start) / this.#width);
      while (index >= POINTS_MAX) {
        this.#join();
        index = Math.floor((this.#last - this.#start) / this.#width);
      }
      const end = Math.min(atS, this.#start + (index + 1) * this.#width);
      const span = spanAt(this.#spans, index);
      // Fractions of a second may round so that no time passes: then the rest of it is this span's.
      const until = end > this.#last ? end : atS;
      addTime(span, until - this.#last, fleet);
      addTime(this.#whole, until - this.#last, fleet);
      this.#last = until;
    }
  }

  /** Over the whole time. */
  mean(): DensityPoint {
    return this.#pointOf(this.#whole, this.#start ?? 0);
  }

  points(): DensityPoint[] {
    return this.#spans.map((span, index) => this.#pointOf(span, (this.#start ?? 0) + index * this.#width));
  }

  #join(): void {
    const joined: Span[] = [];
    for (const [index, span] of this.#spans.entries()) {
      const into = spanAt(joined, index >> 1);
      into.seconds += span.seconds;
      into.hosts += span.hosts;
      addUse(into.taken, span.taken, 1);
      addUse(into.inUse, span.inUse, 1);
    }
    this.#spans = joined;
    this.#width *= 2;
  }

  #pointOf({ seconds, hosts, taken, inUse }: Span, fromS: number): DensityPoint {
    const cpu = share(taken.cpuMilli, inUse.cpuMilli);
    const mem = share(taken.memMib, inUse.memMib);
    return {
      fromS,
      hostsInUse: seconds === 0 ? 0 : round(hosts / seconds),
      packed: Math.max(cpu, mem),
      cpu,
      mem,
      gpu: share(taken.gpuMilli, this.#gpuTotal * seconds),
    };
  }
}

/** The span at that place; spans come one after another. */
function spanAt(spans: Span[], index: number): Span {
  const known = spans[index];
  if (known) return known;
  const span = emptySpan();
  spans[index] = span;
  return span;
}

function addTime(span: Span, seconds: number, fleet: UseOfFleet): void {
  span.seconds += seconds;
  span.hosts += seconds * fleet.hostsInUse;
  addUse(span.taken, fleet.taken, seconds);
  addUse(span.inUse, fleet.inUse, seconds);
}

function addUse(to: Use, use: Use, factor: number): void {
  to.cpuMilli += use.cpuMilli * factor;
  to.memMib += use.memMib * factor;
  to.gpuMilli += use.gpuMilli * factor;
}

const share = (part: number, whole: number): number => (whole === 0 ? 0 : round(part / whole));
/** Four digits after the point: more would be noise, and would differ with the order of sums. */
const round = (value: number): number => Math.round(value * 10_000) / 10_000;
