import { Density, type DensityPoint } from './density.ts';
import { gpuMilliOf, type TraceEvent, type TraceVm } from './trace/read-events.ts';
import type { TraceHost } from './trace/read-hosts.ts';
import { type Placed, UseOfFleet } from './use-of-fleet.ts';

/**
 * What a trace is replayed against: placement alone, or a whole Coax. Calls come one batch after another; within a batch the
 * order is the trace's.
 */
export interface Target {
  /** Tells the time: seconds since the start of the trace. */
  atTime(atS: number): Promise<void> | void;
  /** Asks for these VMs; for each where it went, or null when no host would take it. */
  create(vms: readonly TraceVm[]): Promise<readonly (Placed | null)[]> | readonly (Placed | null)[];
  /** Removes VMs that were placed. */
  remove(names: readonly string[]): Promise<void> | void;
  /** Checks what can be checked at the end; throws when something is wrong. */
  check(fleet: UseOfFleet): Promise<void> | void;
}

/** What a replay came to. GPUs are counted in whole ones: a share counts as its part. */
export interface ReplayReport {
  /** Creates. */
  readonly requests: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Hosts that ever held a VM. */
  readonly hostsUsed: number;
  /** Hosts that hold a VM: the mean over the trace's time. */
  readonly hostsInUseMean: number;
  readonly gpusAsked: number;
  /** Of the accepted requests. */
  readonly gpusGiven: number;
  /** Of the fleet. */
  readonly gpusTotal: number;
  readonly hosts: number;
  readonly events: number;
  /** Length of the trace. */
  readonly seconds: number;
  /** Means over the trace's time, and the same in equal spans of it. */
  readonly density: DensityPoint;
  readonly densityOverTime: readonly DensityPoint[];
}

/** Creates are asked for together up to so many. */
const BATCH_MAX = 256;

/** Feeds a trace to a target, measures what comes of it, and checks that no host is over-committed at any moment. */
export async function replay(
  events: AsyncIterable<TraceEvent>,
  hosts: readonly TraceHost[],
  target: Target,
  onProgress: (events: number) => void = () => {},
): Promise<ReplayReport> {
  const run = new Run(hosts, target);
  let batch: TraceEvent[] = [];
  let count = 0;
  for await (const event of events) {
    const first = batch[0];
    if (first && (first.op !== event.op || first.atS !== event.atS || batch.length >= BATCH_MAX)) {
      await run.apply(batch);
      batch = [];
      onProgress(count);
    }
    batch.push(event);
    count += 1;
  }
  await run.apply(batch);
  return await run.report(count);
}

class Run {
  readonly #fleet: UseOfFleet;
  readonly #density: Density;
  readonly #hosts: number;
  readonly #target: Target;
  #startS: number | null = null;
  #lastS = 0;
  #requests = 0;
  #accepted = 0;
  #askedMilli = 0;
  #givenMilli = 0;

  constructor(hosts: readonly TraceHost[], target: Target) {
    this.#fleet = new UseOfFleet(hosts);
    this.#density = new Density(this.#fleet.total.gpuMilli);
    this.#hosts = hosts.length;
    this.#target = target;
  }

  /** Events of one kind and instant. */
  async apply(batch: readonly TraceEvent[]): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    this.#startS ??= first.atS;
    this.#lastS = first.atS;
    this.#density.passTo(first.atS, this.#fleet);
    await this.#target.atTime(first.atS);
    if (first.op === 'C') return this.#create(batch);
    const names = batch.map(event => event.vm).filter(vm => this.#fleet.remove(vm));
    if (names.length > 0) await this.#target.remove(names);
  }

  async #create(batch: readonly TraceEvent[]): Promise<void> {
    const answers = await this.#target.create(batch);
    for (const [index, vm] of batch.entries()) {
      const placed = answers[index] ?? null;
      this.#requests += 1;
      this.#askedMilli += gpuMilliOf(vm);
      if (placed === null) continue;
      this.#fleet.place(vm, placed);
      this.#accepted += 1;
      this.#givenMilli += gpuMilliOf(vm);
    }
  }

  async report(events: number): Promise<ReplayReport> {
    await this.#target.check(this.#fleet);
    const density = this.#density.mean();
    return {
      requests: this.#requests,
      accepted: this.#accepted,
      rejected: this.#requests - this.#accepted,
      hostsUsed: this.#fleet.hostsUsed,
      hostsInUseMean: density.hostsInUse,
      gpusAsked: this.#askedMilli / 1000,
      gpusGiven: this.#givenMilli / 1000,
      gpusTotal: this.#fleet.total.gpuMilli / 1000,
      hosts: this.#hosts,
      events,
      seconds: this.#lastS - (this.#startS ?? 0),
      density,
      densityOverTime: this.#density.points(),
    };
  }
}
