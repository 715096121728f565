import type { PlacementClaim } from '../../../placement/claim.ts';
import { Fleet, type FleetOptions } from '../../../placement/fleet.ts';
import type { PlacementHost } from '../../../placement/host.ts';
import type { Store } from '../../../store/store.ts';
import type { Tx } from '../../../store/tx.ts';
import { markHorizon } from '../../change-marks.ts';
import type { HostRow } from '../../schema.ts';
import { placementHostOf } from './placement-host.ts';
import {
  allClaims,
  allHosts,
  type ClaimNow,
  claimsAndMark,
  claimsAt,
  claimsSince,
  countClaims,
  countHosts,
  forgetChanges,
  hostsSince,
} from './read-changes.ts';

/** How old the fleet may be where other servers change it, and where this process alone does. */
const FRESH_MS = { shared: 5, own: 100 };
/** A fleet of so many hosts is compared with the store's as a whole each second, a larger one every 30 seconds. */
const SMALL_FLEET = 1000;
const COMPARE_MS = { small: 1000, large: 30_000 };
/** By then a transaction has ended, whatever its end was. */
const SETTLED_MS = 5000;
/** Changes are kept so long; who has not looked for half of it reads everything anew. */
const CHANGES_KEPT_MS = 600_000;
const FORGET_EVERY_MS = 60_000;
const UNSURE_MAX = 20_000;

/** A moment at which the store is read: an open transaction, or the store's reader and clock. */
export type Moment = Pick<Tx, 'db' | 'now' | 'beside'>;

/**
 * The fleet as this process knows it, so that a choice costs no query: read whole once, then kept up by the change stream. What this
 * process claims counts at once, before it is durable; should its transaction be undone, the claim is found to be missing later. Until
 * then the fleet may be wrong either way, which the store's own check of every claim makes harmless.
 */
export class FleetFeed {
  readonly #options: FleetOptions;
  readonly #shared: boolean;
  readonly #reader: Tx['db'];
  #fleet: Fleet;
  /** All changes with a mark below are known; null before the first reading. */
  #mark: number | null = null;
  #looked = Number.NEGATIVE_INFINITY;
  #compared = Number.NEGATIVE_INFINITY;
  #forgot = Number.NEGATIVE_INFINITY;
  /** Claims made or given back here whose transaction may not have ended, and since when. */
  readonly #unsure = new Map<string, number>();
  /** One reading at a time. */
  #line: Promise<unknown> = Promise.resolve();

  constructor(store: Pick<Store, 'capabilities' | 'reader'>, options: FleetOptions = {}) {
    this.#options = options;
    this.#shared = store.capabilities.shared;
    this.#reader = store.reader;
    this.#fleet = new Fleet(options);
  }

  /** Hosts that are known. */
  get size(): number {
    return this.#fleet.size;
  }

  /** The fleet, at most a moment old. */
  async fleet(at: Moment): Promise<Fleet> {
    const fresh = this.#shared ? FRESH_MS.shared : FRESH_MS.own;
    const age = at.now - this.#looked;
    if (this.#mark !== null && age >= 0 && age < fresh) return this.#fleet;
    return await this.#inTurn(() => this.#look(at));
  }

  /** The fleet as the transaction sees it: what else this process has claimed is asked for, too. */
  async exactly(at: Moment): Promise<Fleet> {
    return await this.#inTurn(async () => {
      if (this.#mark === null) return await this.#load(at);
      await this.#look(at);
      if (this.#fleet.size !== (await countHosts(at.db))) return await this.#load(at);
      if (this.#fleet.size <= SMALL_FLEET && this.#compared < at.now) await this.#compare(at);
      this.#apply(await claimsAt(at.db, [...this.#unsure.keys()]));
      return this.#fleet;
    });
  }

  /** Counts claims that this process is making. */
  hold(at: Moment, claims: readonly PlacementClaim[]): void {
    for (const claim of claims) {
      this.#fleet.hold(claim);
      this.#doubt(claim.id, at.now);
    }
  }

  /** Counts claims that this process gives back. */
  release(at: Moment, ids: readonly string[]): void {
    for (const id of ids) {
      this.#fleet.release(id);
      this.#doubt(id, at.now);
    }
  }

  /** What it knows has proved wrong: everything is read anew at the next use. */
  forget(): void {
    this.#mark = null;
  }

  #doubt(id: string, now: number): void {
    this.#unsure.delete(id);
    this.#unsure.set(id, now);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#line.then(work, work);
    this.#line = turn.catch(() => {});
    return turn;
  }

  #horizon(at: Moment): Promise<number> {
    return markHorizon(this.#shared ? at.db : this.#reader);
  }

  async #claimsSince(at: Moment, mark: number): Promise<{ mark: number; claims: readonly ClaimNow[] }> {
    if (this.#shared) return await claimsAndMark(at.db, mark);
    return { mark: await this.#horizon(at), claims: await claimsSince(at.db, mark) };
  }

  async #load(at: Moment): Promise<Fleet> {
    const mark = await this.#horizon(at);
    const expectedHosts = await countHosts(at.db);
    const fleet = new Fleet({ ...this.#options, expectedHosts, expectedClaims: await countClaims(at.db) });
    for await (const rows of allHosts(at.db)) for (const row of rows) fleet.put(placementHostOf(row));
    for await (const claims of allClaims(at.db)) for (const claim of claims) fleet.hold(claim);
    this.#fleet = fleet;
    this.#unsure.clear();
    this.#mark = mark;
    this.#looked = this.#compared = at.now;
    return fleet;
  }

  /** Reads what has changed. */
  async #look(at: Moment): Promise<Fleet> {
    const isAway = at.now - this.#looked > CHANGES_KEPT_MS / 2;
    if (this.#mark === null || isAway) return await this.#load(at);
    const age = at.now - this.#compared;
    const isSmall = this.#fleet.size <= SMALL_FLEET;
    const compares = age < 0 || age >= (isSmall ? COMPARE_MS.small : COMPARE_MS.large);
    const mark = this.#mark;
    const reading = this.#claimsSince(at, mark);
    // In a transaction both go out together and are done in this order.
    const [{ mark: next, claims }, hosts] =
      at.beside && !compares ? await Promise.all([reading, hostsSince(at.db, mark)]) : [await reading, null];
    // Hosts are read after the mark was: one that changes in between is read once more.
    if (compares) await this.#compare(at);
    else this.#put(hosts ?? (await hostsSince(at.db, mark)));
    this.#apply(claims);
    for (const [key] of claims) this.#unsure.delete(key);
    await this.#settle(at);
    if (at.now - this.#forgot > FORGET_EVERY_MS) {
      this.#forgot = at.now;
      // Outside of the transaction where others run beside it: two that forget the same would wait for each other.
      await forgetChanges(this.#shared ? this.#reader : at.db, at.now - CHANGES_KEPT_MS);
    }
    this.#mark = next;
    this.#looked = at.now;
    return this.#fleet;
  }

  /** Asks what became of claims whose transaction must have ended by now. */
  async #settle(at: Moment): Promise<void> {
    const old: string[] = [];
    let excess = this.#unsure.size - UNSURE_MAX;
    for (const [id, since] of this.#unsure) {
      if (excess-- <= 0 && at.now - since < SETTLED_MS && since <= at.now) break;
      old.push(id);
    }
    this.#apply(await claimsAt(at.db, old));
    for (const id of old) this.#unsure.delete(id);
  }

  /** Compares every host with the store's: finds also what a server of another version has changed without a mark. */
  async #compare(at: Moment): Promise<void> {
    const names = new Set<string>();
    for await (const rows of allHosts(at.db)) {
      this.#put(rows);
      for (const { name } of rows) names.add(name);
    }
    if (names.size !== this.#fleet.size)
      for (const { name } of [...this.#fleet.hosts()]) if (!names.has(name)) this.#fleet.remove(name);
    this.#compared = at.now;
  }

  #put(rows: readonly HostRow[]): void {
    for (const row of rows) {
      const host = placementHostOf(row);
      const known = this.#fleet.host(host.name);
      if (known === null || !isSame(known, host)) this.#fleet.put(host);
    }
  }

  #apply(claims: readonly ClaimNow[]): void {
    for (const [key, claim] of claims) {
      if (claim === null) this.#fleet.release(key);
      else this.#fleet.hold(claim);
    }
  }
}

function isSame(a: PlacementHost, b: PlacementHost): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
