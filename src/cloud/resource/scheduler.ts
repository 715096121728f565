import { sql } from 'kysely';
import type { Choice, PlacementRecord } from '../../placement/choice.ts';
import { claimOf, type Fleet, type SelectOptions } from '../../placement/fleet.ts';
import type { PlacementRequest } from '../../placement/request.ts';
import type { Shard } from '../../placement/shard.ts';
import { Retryable } from '../../step/step-errors.ts';
import type { Tx } from '../../store/tx.ts';
import type { Holder } from '../allocations.ts';
import { isPostgres, jsonRows } from '../change-marks.ts';
import { claimKey } from './claim-detail.ts';
import { claimHosts, type HostClaim, releaseHosts } from './claim-hosts.ts';
import type { FleetFeed } from './feed/fleet-feed.ts';

/** A VM that needs a host. */
export interface PlacementWish {
  readonly holder: Holder;
  /** Which of several claims of one step this is. */
  readonly number?: number;
  readonly request: PlacementRequest;
  /** Name of the VM; empty where there is none. */
  readonly vm: string;
  /** Others may want the same name at the same time: who holds hosts already does not wait for it. */
  readonly contended?: boolean;
  /** Sees the fleet as it is when the host is about to be chosen for the first time. */
  readonly look?: (fleet: Fleet, how: SelectOptions) => void;
  /** It has room already, where it comes from. */
  readonly moving?: boolean;
  /** What the step holds besides, once the host is known. */
  readonly beside?: (choice: Choice) => HostClaim['beside'];
}

/** `none`: no host fits, beside others none that was to be had. `refused`: what was to be held besides is another's; the transaction must not be kept. */
export type Placement =
  | { readonly kind: 'placed'; readonly choice: Choice; readonly lost: number }
  | { readonly kind: 'none' }
  | { readonly kind: 'refused'; readonly choice: Choice };

/** After so many rounds in which claims were lost to others, a step's own backoff is the better wait. */
const ROUNDS_MAX = 16;
/** The same beside other transactions, which wait for what this one holds. */
const ROUNDS_BESIDE = 3;

/** With fewer hosts for each of those that place, a preference of one's own would cost more room than conflicts do. */
const SHARE_MIN = 100;

/** Tells the locks of groups from others: "group" in ASCII. */
const GROUP_LOCKS = 0x67_726f_7570;

/** A wish on its way to a host. */
interface Attempt {
  readonly wish: PlacementWish;
  readonly at: number;
  readonly avoid: Set<string>;
  choice: Choice | null;
  lost: number;
}

/**
 * Chooses hosts in memory and claims them in the store, where every figure is checked again: schedulers never lock the fleet, and
 * whoever loses a claim takes the next candidate.
 */
export class Scheduler {
  readonly feed: FleetFeed;
  /** Since the start of this process: claims made, and claims lost to others. */
  readonly counts = { claims: 0, conflicts: 0 };

  #shard: () => Shard | null = () => null;

  constructor(feed: FleetFeed) {
    this.feed = feed;
  }

  /**
   * Tells who else places at the same time: each then prefers hosts of its own, so that they seldom want the same one.
   * `peers`: names of all of them now; who is not among them prefers none.
   */
  share(name: string, peers: () => readonly string[]): void {
    this.#shard = () => {
      const all = peers();
      const few = this.feed.size < SHARE_MIN * all.length;
      return few || all.length < 2 || !all.includes(name) ? null : { name, peers: all };
    };
  }

  /**
   * Places a batch in one transaction, with few statements however many they are. Each is chosen as if those before it were there.
   * Errors: Retryable COAX_NO_VALID_HOST when others were faster every time.
   */
  async place(tx: Tx, wishes: readonly PlacementWish[]): Promise<readonly Placement[]> {
    const answers: Placement[] = wishes.map(() => ({ kind: 'none' }));
    let open = wishes.map((wish, at): Attempt => ({ wish, at, avoid: new Set(), choice: null, lost: 0 }));
    if (tx.beside) {
      await this.#placeBeside(tx, open, answers);
      return answers;
    }
    let fleet = open.some(needsExactly) ? await this.feed.exactly(tx) : await this.feed.fleet(tx);
    let isExact = open.some(needsExactly);
    for (let round = 0; open.length > 0; round++) {
      if (round === ROUNDS_MAX) this.#giveUp(tx, wishes, open);
      const claims = this.#choose(tx, fleet, open);
      const unplaced = open.filter(({ choice }) => choice === null);
      const lost = await this.#claim(tx, claims, open, answers);
      // The figures in memory may be old, and "none" is for good.
      open = isExact ? lost : open.filter(each => lost.includes(each) || unplaced.includes(each));
      // Only hosts that the store refused: what is known of them is wrong.
      if (isExact && unplaced.some(({ wish, avoid }) => avoid.size > 0 && fleet.select(wish.request)))
        this.#giveUp(tx, wishes, unplaced);
      if (open.length === 0) break;
      fleet = await this.feed.exactly(tx);
      isExact = true;
    }
    return answers;
  }

  /** Where others place at the same time: what is not placed in a few rounds is left to one that has the fleet for itself. */
  async #placeBeside(tx: Tx, wishes: Attempt[], answers: Placement[]): Promise<void> {
    let open = wishes;
    await lockGroups(tx, open);
    const fleet = open.some(needsExactly) ? await this.feed.exactly(tx) : await this.feed.fleet(tx);
    for (let round = 0; open.length > 0 && round < ROUNDS_BESIDE; round++) {
      const claims = this.#choose(tx, fleet, open);
      const lost = await this.#claim(tx, claims, open, answers, { patient: round === 0 });
      // What is held by now another may wait for: names are taken in the first round only, where all take them in order.
      open = lost.filter(({ wish }) => !wish.contended);
    }
  }

  /** Gives back what the step has claimed. Does nothing when it has claimed nothing. */
  async release(tx: Tx, holder: Holder): Promise<void> {
    const claims = await releaseHosts(tx, holder);
    this.feed.release(
      tx,
      claims.map(({ id }) => id),
    );
  }

  /** Chooses for each, in order, and holds the choice so that the next one sees it. */
  #choose(tx: Tx, fleet: Fleet, open: readonly Attempt[]): HostClaim[] {
    const shard = this.#shard();
    return open.flatMap(attempt => {
      const { wish, avoid } = attempt;
      const how = shard ? { avoid, shard } : { avoid };
      if (attempt.lost === 0) wish.look?.(fleet, how);
      attempt.choice = fleet.select(wish.request, how);
      if (attempt.choice === null) return [];
      const claim = claimOf(wish.request, attempt.choice, idOf(wish), wish.vm);
      this.feed.hold(tx, [claim]);
      const beside = wish.beside?.(attempt.choice);
      const { holder, moving = false } = wish;
      return [{ ...claim, holder, ...(moving && { moving }), ...(beside && { beside }) }];
    });
  }

  /** Claims what was chosen; gives those that were lost to others. */
  async #claim(
    tx: Tx,
    claims: HostClaim[],
    open: readonly Attempt[],
    answers: Placement[],
    how: { patient?: boolean } = {},
  ): Promise<Attempt[]> {
    if (claims.length === 0) return [];
    const ids = claims.map(({ id }) => id);
    const { lost, refused } = await claimHosts(tx, claims, how).catch((error: unknown) => {
      this.feed.release(tx, ids);
      throw error;
    });
    this.feed.release(tx, [...lost, ...refused]);
    this.counts.claims += claims.length - lost.size;
    this.counts.conflicts += lost.size;
    return open.filter(attempt => {
      const { choice, wish } = attempt;
      if (choice === null) return false;
      const id = idOf(wish);
      if (lost.has(id)) {
        attempt.lost++;
        attempt.avoid.add(choice.host);
        return true;
      }
      answers[attempt.at] = refused.has(id)
        ? { kind: 'refused', choice }
        : { kind: 'placed', choice, lost: attempt.lost };
      return false;
    });
  }

  /** What this process believes of the fleet and what the store says do not come together. */
  #giveUp(tx: Tx, wishes: readonly PlacementWish[], open: readonly Attempt[]): never {
    this.feed.release(tx, wishes.map(idOf));
    this.feed.forget();
    const lost = open.reduce((sum, each) => sum + each.lost, 0);
    throw new Retryable(`${lost} claims were lost to other requests`, { code: 'COAX_NO_VALID_HOST' });
  }
}

const idOf = ({ holder, number }: PlacementWish): string => claimKey(holder, number);

/** Whether the request depends on where certain VMs are, which must be known to the last one. */
const needsExactly = ({ wish: { request } }: Attempt): boolean =>
  request.group !== null || request.sameHostAs.length > 0 || request.differentHostFrom.length > 0;

/**
 * Whether a rule of a group is kept depends on where the others of the group are: while one that belongs to it is placed, no
 * other is. What is read afterwards has all that were placed before.
 */
async function lockGroups(tx: Tx, open: readonly Attempt[]): Promise<void> {
  const names = new Set(open.flatMap(({ wish: { request } }) => request.group?.name ?? []));
  if (names.size === 0 || !isPostgres(tx.db)) return;
  // In the order of their locks, so that two transactions do not wait for each other.
  await sql`SELECT pg_advisory_xact_lock(key) FROM (
    SELECT DISTINCT hashtextextended(value ->> 0, ${GROUP_LOCKS}) AS key
    FROM ${jsonRows(
      tx.db,
      [...names].map(name => [name]),
    )} ORDER BY key) AS keys`.execute(tx.db);
}

/** In a larger fleet the rules are asked of every host only when none fits: that takes a millisecond for each thousand. */
const EXPLAINED_MAX = 2000;
const SHOWN_MAX = 5;

/** Why this host: what is kept with the commit. Asked before the choice is held; `lost` better ones were taken meanwhile. */
export function recordOf(fleet: Fleet, request: PlacementRequest, how: SelectOptions = {}): PlacementRecord {
  if (fleet.size <= EXPLAINED_MAX) return fleet.explain(request);
  const candidates = fleet.candidates(request, SHOWN_MAX, how);
  const [first] = candidates;
  if (first === undefined) return fleet.explain(request);
  return {
    request: { cpu: request.cpuMilli / 1000, mem: request.memMib },
    hosts: fleet.size,
    filters: [],
    weighers: [],
    candidates: candidates.map(({ host, score }) => ({ host, score, parts: {} })),
    host: first.host,
    reason: `${first.host}: the best of ${fleet.size} hosts, score ${first.score.toFixed(3)}`,
  };
}
