import type { Choice, PlacementRecord } from './choice.ts';
import type { PlacementClaim } from './claim.ts';
import { explain } from './explain.ts';
import type { PlacementHost } from './host.ts';
import type { Candidate } from './index/best-of.ts';
import { HostClasses } from './index/host-classes.ts';
import { Search, type SearchOptions } from './index/search.ts';
import { ClaimBook } from './inventory/claim-book.ts';
import { HostTable } from './inventory/host-table.ts';
import { HostView } from './inventory/host-view.ts';
import { leastPreemption, type Preemption } from './plan/preempt.ts';
import { type RebalanceLimits, type Rebalancing, rebalance } from './plan/rebalance.ts';
import { type Policy, type Scoring, scoringOf, scorings } from './policies/policy.ts';
import { Query } from './query.ts';
import type { PlacementRequest } from './request.ts';
import type { Shard } from './shard.ts';

/** Whole number from 0 to below `bound`. */
export type Random = (bound: number) => number;

export interface FleetOptions {
  /** Policies of one's own, above those that are always there. */
  readonly policies?: Readonly<Record<string, Policy>>;
  /** Decides between hosts that are equally good; without it the same ones win each time. */
  readonly random?: Random;
  /** How many claims it will hold, about: room for so many is made at once. */
  readonly expectedClaims?: number;
  /** The same of hosts. */
  readonly expectedHosts?: number;
}

export interface SelectOptions {
  /** Names of hosts that are not wanted, such as those that were lost to others. */
  readonly avoid?: ReadonlySet<string>;
  /** Hosts of this shard first, and the others only when none of them fits. */
  readonly shard?: Shard;
}

/** None of a gang is placed: which one failed, from 0 on, and why. */
export interface GangFailure {
  readonly failedAt: number;
  readonly record: PlacementRecord;
}

/**
 * Hosts and what is claimed of them, in memory, and where a request would go best. Pure: what it is told is all it knows; a choice
 * claims nothing until `hold`. Claims are held as they come, also where they are more than there is: the store decides that.
 * Errors: COAX_USAGE for a policy that there is not, or that names a weigher that there is not.
 */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #scorings: ReadonlyMap<string, Scoring>;
  readonly #table: HostTable;
  readonly #classes: HostClasses;
  readonly #search: Search;

  constructor(options: FleetOptions = {}, from: { table: HostTable; classes: HostClasses } | null = null) {
    this.#options = options;
    this.#scorings = scorings(options.policies);
    this.#table = from?.table ?? new HostTable(new ClaimBook(options.expectedClaims), options.expectedHosts);
    this.#classes = from?.classes ?? new HostClasses(this.#table);
    this.#search = new Search(this.#table, this.#classes);
  }

  /** Hosts. */
  get size(): number {
    return this.#table.size;
  }

  /** Puts a host in, or changes it; its claims stay, and those that were held before it came are on it now. */
  put(host: PlacementHost): void {
    const before = this.#table.find(host.name);
    const old = before < 0 ? null : this.#table.host(before);
    const at = this.#table.put(host);
    this.#classes.put(at, old);
  }

  /** Takes a host out; its claims wait for its return. */
  remove(name: string): void {
    const at = this.#table.find(name);
    if (at < 0) return;
    this.#classes.remove(at, this.#table.host(at)!);
    this.#table.remove(name);
  }

  /** Holds a claim, in place of an older one of this id; on a host that is not there, it waits for the host. */
  hold(claim: PlacementClaim): void {
    this.release(claim.id);
    this.#changed(this.#table.hold(claim));
  }

  /** Gives a claim back. Does nothing when there is none of this id. */
  release(id: string): void {
    this.#changed(this.#table.release(id));
  }

  host(name: string): PlacementHost | null {
    return this.#table.host(this.#table.find(name));
  }

  *hosts(): Generator<PlacementHost> {
    for (let at = 0; at < this.#table.end; at += 1) {
      const host = this.#table.host(at);
      if (host !== null) yield host;
    }
  }

  /** What is free on a host, as the rules see it at this moment; null when it is not there. */
  view(name: string): HostView | null {
    const at = this.#table.find(name);
    return at < 0 ? null : new HostView(this.#table, at);
  }

  /** Every claim, also those that wait for their host. */
  *claims(): Generator<PlacementClaim> {
    const { book } = this.#table;
    for (const claim of book.all()) yield book.claim(claim, this.#table.host(book.hostOf(claim))!.name);
    yield* this.#table.waiting();
  }

  claimsOn(host: string): PlacementClaim[] {
    const at = this.#table.find(host);
    if (at < 0) return [];
    const { book } = this.#table;
    return book.ofHost(at).map(claim => book.claim(claim, host));
  }

  /** The best host for a request, or null when none fits. */
  select(request: PlacementRequest, options: SelectOptions = {}): Choice | null {
    return this.#best(request, 1, options)[0] ?? null;
  }

  /** The best hosts for a request, at most so many, best first. */
  candidates(request: PlacementRequest, limit: number, options: SelectOptions = {}): Choice[] {
    return this.#best(request, limit, options);
  }

  /** Hosts for all of the requests, each as if those before it were placed; or which one has none, and why. Nothing is claimed. */
  selectAll(requests: readonly PlacementRequest[], options: SelectOptions = {}): Choice[] | GangFailure {
    const choices: Choice[] = [];
    try {
      for (const request of requests) {
        const choice = this.select(request, options);
        if (choice === null) return { failedAt: choices.length, record: this.explain(request, options) };
        this.hold(claimOf(request, choice, gangId(choices.length)));
        choices.push(choice);
      }
      return choices;
    } finally {
      for (let index = 0; index < choices.length; index += 1) this.release(gangId(index));
    }
  }

  /** What every rule says about every host, who is best, and why none is. The cost grows with the fleet. */
  explain(request: PlacementRequest, options: SelectOptions = {}): PlacementRecord {
    const query = new Query(this.#table, request, options.avoid);
    return explain(this.#table, query, scoringOf(this.#scorings, request.policy));
  }

  /** A fleet that is the same now; what changes in either later is unseen by the other. */
  branch(): Fleet {
    const table = this.#table.branch();
    return new Fleet(this.#options, { table, classes: this.#classes.branch(table) });
  }

  /** The least set of preemptible claims that would make room on one host; null when there is none. */
  preempt(request: PlacementRequest): Preemption | null {
    if (request.preemptible) return null;
    const query = new Query(this.#table, request);
    return leastPreemption(this.#table, query, scoringOf(this.#scorings, request.policy));
  }

  /** Which moves would free how many hosts. Nothing is moved. */
  rebalance(limits: RebalanceLimits = {}): Rebalancing {
    return rebalance(this.branch(), limits);
  }

  #changed(at: number): void {
    if (at >= 0) this.#classes.change(at);
  }

  /** A soft rule of the group is tried as a hard one first: whoever keeps it is better than whoever does not. */
  #best(request: PlacementRequest, limit: number, { avoid, shard }: SelectOptions): Choice[] {
    const scoring = scoringOf(this.#scorings, request.policy);
    const bits = this.#options.random ? 1 + this.#options.random(2 ** 30) : 0;
    const { group } = request;
    if (group !== null && !group.hard) {
      const kept = { ...request, group: { ...group, hard: true } };
      const found = this.#find(new Query(this.#table, kept, avoid), scoring, { limit, shard, bits });
      if (found.length >= limit) return this.#choices(found, request);
    }
    const query = new Query(this.#table, request, avoid);
    return this.#choices(this.#find(query, scoring, { limit, shard, bits }), request);
  }

  /** Hosts of the shard, then, when they are too few, the best of all behind them. */
  #find(query: Query, scoring: Scoring, options: SearchOptions): readonly Candidate[] {
    const own = this.#search.best(query, scoring, options);
    if (!options.shard || own.length >= options.limit) return own;
    const all = this.#search.best(query, scoring, { ...options, shard: undefined });
    const others = all.filter(candidate => !own.some(({ at }) => at === candidate.at));
    return [...own, ...others].slice(0, options.limit);
  }

  #choices(found: readonly Candidate[], request: PlacementRequest): Choice[] {
    return found.map(({ at, score, devices }) => {
      const view = new HostView(this.#table, at);
      const cell = request.numa === 'none' ? -1 : (view.cellFor(request.cpuMilli, request.memMib) ?? -1);
      return { host: view.name, devices, cell, score };
    });
  }
}

/** The claim that a request has once its choice is taken. */
export function claimOf(request: PlacementRequest, choice: Choice, id: string, vm = ''): PlacementClaim {
  const { cpuMilli, memMib, diskMib, gpu, gpuMilli, group, preemptible, project } = request;
  const { host, devices, cell } = choice;
  return {
    ...{ id, host, cpuMilli, memMib, diskMib, gpu, gpuMilli, devices, cell },
    ...{ group: group?.name ?? '', vm, preemptible, project },
  };
}

/** No id from outside begins so. */
const gangId = (index: number): string => `\0gang ${index}`;
