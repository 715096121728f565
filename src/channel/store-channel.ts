import { addressOf } from '../message/address.ts';
import type { Outcome, StepOutcome } from '../message/outcome.ts';
import { terminal } from '../message/outcome.ts';
import type {
  Claim,
  ClaimRef,
  ExtendAnswer,
  FirstStep,
  Place,
  Store,
  StoreTx,
  Write,
} from '../store/store.ts';
import { REAL_TIMERS, type Timers } from '../store/timers.ts';
import type { Together } from '../store/tx.ts';
import { AcceptedWork, type Waiting } from './accepted-work.ts';
import type { Channel, ClaimWish, Finish, FinishAnswer } from './channel.ts';
import type { Revealed, Secrets } from './secrets.ts';
import { askTransition, type Circumstances, type Random, transitionWithAsk } from './transition.ts';

/** Safety net for wake-ups that nobody announces: backoffs and leases that end, other processes. */
const TICK_MS = 250;
/** How long work is left to the process that has the first right to it; then whoever serves its address takes it. */
const YIELD_MS = 40;
/** What was given back since nobody here can do it is left to other processes for so long once it is ready: time for a tick of theirs. */
const HEAD_START_MS = 2 * TICK_MS + 100;
/** Waits up to so long get a timer of their own, so many at most; the tick finds the rest. */
const SOON_MS = 2000;
const TIMERS_MAX = 1000;

/** What a transactional action wrote stays only when the action succeeded, or says so of what it waits for. */
function isWorthKeeping(outcome: Outcome): boolean {
  if (outcome.kind === 'retryable') return outcome.keeps === true;
  return outcome.kind === 'ok' || outcome.kind === 'split' || outcome.kind === 'wait';
}

const NOWHERE: readonly (readonly string[])[] = [];

interface Waiter extends Waiting {
  readonly addresses: ReadonlySet<string>;
}

/** What a step came to, or how that is found out in the transaction, and what is kept of how it came about. */
interface Ending {
  readonly claim: Claim;
  readonly outcome: Outcome | ((tx: StoreTx) => Promise<Outcome>);
  readonly by: Circumstances;
  readonly keepAt: ReadonlySet<string> | undefined;
  readonly together: Together<Outcome> | undefined;
}

/** How processes that serve the same addresses share the work there. */
export interface Sharing {
  /**
   * Is work at that address, which another process made, first left to another one? Where every process looks at once, one
   * finds it and the others have looked for nothing.
   */
  yields?(address: string): boolean;
  /** Is work at that address, which this process accepts, given to a worker here at once, if one waits for it? */
  keeps?(address: string): boolean;
}

/** The channel over a store: in the server's own process. */
export class StoreChannel implements Channel {
  readonly #store: Store;
  readonly #random: Random;
  readonly #secrets: Secrets | null;
  readonly #timers: Timers;
  /** Addresses that may have work; what is not here has none, or the tick will find it. */
  readonly #hot = new Set<string>();
  readonly #waiters = new Set<Waiter>();
  /** Addresses that were heard of and are left to another process for now. */
  readonly #left = new Set<string>();
  /** Addresses at which something was given back for a while, and until when (monotonic) a look here does not count. */
  readonly #givenBack = new Map<string, number>();
  readonly #accepted: AcceptedWork;
  readonly #stopReady: () => void;
  readonly #stopOffer: () => void;
  #tick: (() => void) | undefined;
  #early = 0;
  #closed = false;

  /** Without `secrets` no step here is given any, and none can be set. */
  constructor(
    store: Store,
    random: Random = Math.random,
    timers: Timers = REAL_TIMERS,
    secrets: Secrets | null = null,
    { yields = () => false, keeps = () => false }: Sharing = {},
  ) {
    this.#secrets = secrets;
    this.#store = store;
    this.#timers = timers;
    this.#random = random;
    this.#stopReady = store.onReady((address, elsewhere) => {
      if (elsewhere && yields(address)) this.#announceLater(address);
      else this.#announce(address);
    });
    const waitOf = (worker: string) => [...this.#waiters].find(waiter => waiter.worker === worker);
    this.#accepted = new AcceptedWork(store, timers, waitOf);
    this.#stopOffer = store.offerAccepted(address => (keeps(address) ? this.#reserve(address) : null));
    void this.#poll();
  }

  async claim(wish: ClaimWish, signal?: AbortSignal): Promise<readonly Claim[]> {
    const addresses = new Set(wish.addresses);
    const until = this.#timers.monotonic() + wish.waitMs;
    for (;;) {
      const limit = wish.limit - this.#accepted.reserved(wish.worker);
      const found = await this.#claimHot({ ...wish, limit }, addresses);
      const claims = [...this.#accepted.pickUp(wish.worker), ...found];
      const left = until - this.#timers.monotonic();
      if (claims.length > 0 || left <= 0 || signal?.aborted || this.#closed) return claims;
      // Work that was announced during the claim must not be slept over.
      if (limit <= 0 || this.#hot.isDisjointFrom(addresses)) await this.#wait(wish, addresses, left, signal);
    }
  }

  /** A place for what is being accepted, with a worker that has nothing else to do there. */
  #reserve(address: string): Place | null {
    if (this.#hot.has(address) || this.#closed) return null;
    for (const waiter of this.#waiters) {
      const place = waiter.addresses.has(address) ? this.#accepted.reserve(waiter) : null;
      if (place !== null) return place;
    }
    return null;
  }

  async #claimHot(wish: ClaimWish, addresses: ReadonlySet<string>): Promise<readonly Claim[]> {
    const hot = this.#hot.intersection(addresses);
    if (hot.size === 0 || wish.limit <= 0) return [];
    for (const address of hot) this.#hot.delete(address);
    let claims: readonly Claim[];
    try {
      claims = await this.#store.claim({ ...wish, addresses: [...hot] });
    } catch (error) {
      for (const address of hot) this.#hot.add(address);
      throw error;
    }
    // A full answer may have left some behind.
    if (claims.length >= wish.limit) for (const address of hot) this.#announce(address);
    if (!claims.some(claim => claim.message.ask !== null)) return claims;
    // One that cannot be obeyed now (a full disk) must not keep the other claims from the worker that was given them.
    const obeyed = (claim: Claim): Promise<void> =>
      this.#obey(claim).catch(() => this.#store.release([claim], true).catch(() => {}));
    await Promise.all(claims.filter(claim => claim.message.ask !== null).map(obeyed));
    return claims.filter(claim => claim.message.ask === null);
  }

  extend(claims: readonly ClaimRef[], leaseMs: number): Promise<readonly ExtendAnswer[]> {
    return this.#store.extend(claims, leaseMs);
  }

  async release(claims: readonly ClaimRef[], begun: boolean, afterMs = 0): Promise<void> {
    const { shared } = this.#store.capabilities;
    if (afterMs > 0 && shared) await this.#leaveToOthers(claims, afterMs);
    await this.#store.release(claims, begun, afterMs);
    if (afterMs > 0 && !shared) this.#later(this.#store.now() + afterMs);
  }

  /** Who gives something back knows when it is ready, and would always be the first to take it again; the tick finds it later. */
  async #leaveToOthers(claims: readonly ClaimRef[], afterMs: number): Promise<void> {
    const until = this.#timers.monotonic() + afterMs + HEAD_START_MS;
    for (const { msgid } of claims) {
      const message = await this.#store.message(msgid);
      const address = message && addressOf(message, message.plan);
      if (address !== null) this.#givenBack.set(address, until);
    }
  }

  finish(end: Finish): Promise<FinishAnswer> {
    const learning = this.#store.capabilities.shared ? this.#secrets?.learn(end.claim.message) : null;
    return learning
      ? learning.then(() => this.#write(this.#endingOf(end)))
      : this.#write(this.#endingOf(end));
  }

  #endingOf(end: Finish): Ending {
    const { claim, outcome, code, started, finished, keepAt, together } = end;
    const by: Circumstances = { worker: claim.message.worker, code, actor: 'coax', started, finished };
    if (typeof outcome !== 'function')
      return { claim, outcome: this.#conceal(end, outcome), by, keepAt, together: undefined };
    const kept = (given: StepOutcome): StepOutcome => this.#conceal(end, given);
    return {
      claim,
      outcome: async tx => kept(await outcome(tx)),
      by,
      keepAt,
      together: together && mapped(together, kept),
    };
  }

  /** The first step of a message that is being accepted. */
  #firstStep(end: Finish | null): FirstStep | null {
    if (end === null) return null;
    const write = this.#writeOf(this.#endingOf(end));
    const { together } = write;
    if (together === undefined) return null;
    return { write: { ...write, together }, done: ({ message }) => this.#later(message.readyAt) };
  }

  async reveal(
    { msgid, fence, message: claimed }: Claim,
    names: readonly string[],
  ): Promise<Revealed | null> {
    const message = await this.#store.message(msgid);
    if (message === null || message.fence !== fence || message.worker !== claimed.worker) return null;
    if (this.#secrets === null) return { parameters: {}, output: {} };
    await this.#secrets.learn(message);
    return this.#secrets.reveal(message, names);
  }

  /** Nothing of a step's outcome is kept before its secrets are sealed. */
  #conceal({ claim, secret }: Finish, outcome: StepOutcome): StepOutcome {
    const places = outcome.kind === 'ok' && secret !== undefined ? secret(outcome.set) : NOWHERE;
    if (this.#secrets !== null) return this.#secrets.conceal(claim.message, outcome, places);
    if (places.length === 0) return outcome;
    return terminal('COAX_SECRET_KEY_MISSING', 'this process has no key to seal what the step sets');
  }

  /** As `finish`, for what follows from the plan without a worker: groups. */
  finishGroup(claim: Claim, outcome: (tx: StoreTx) => Promise<Outcome>): Promise<FinishAnswer> {
    const now = this.#store.now();
    const by = { worker: null, code: null, actor: 'coax', started: now, finished: now };
    return this.#write({ claim, outcome, by, keepAt: undefined, together: undefined });
  }

  #write(ending: Ending): Promise<FinishAnswer> {
    // One promise, where an async function would make three.
    return this.#store.write(this.#writeOf(ending)).then(written => {
      if (written.kind === 'asked') return this.#write({ ...ending, claim: written.claim });
      if (written.kind === 'written' && written.message.readyAt > written.message.updated)
        this.#later(written.message.readyAt);
      return written;
    });
  }

  #writeOf({ claim, outcome, by, keepAt, together }: Ending): Write {
    const next = (value: Outcome) => transitionWithAsk(claim.message, value, by, this.#random());
    const inTransaction = typeof outcome === 'function';
    return {
      claim,
      obeys: claim.message.ask !== null,
      keep: ({ address }) => address !== null && keepAt?.has(address) === true,
      inTransaction,
      next: inTransaction
        ? async tx => {
            const open = tx as StoreTx;
            return next(await open.attempt(() => outcome(open), isWorthKeeping));
          }
        : () => next(outcome),
      // What a person asked for may keep the step from being done at all.
      ...(together && claim.message.ask === null && { together: mapped(together, next) }),
    };
  }

  /** A person asked for something while nobody ran the step. */
  async #obey(claim: Claim): Promise<void> {
    const { message } = claim;
    const { ask } = message;
    if (ask === null) return;
    await this.#store.write({
      claim,
      obeys: true,
      keep: () => false,
      inTransaction: false,
      next: () => askTransition(message, ask, this.#store.now(), this.#random()),
    });
  }

  /** A retry that is due soon is announced on time; the tick finds the others. */
  #later(readyAt: number): void {
    const delay = readyAt - this.#store.now();
    if (delay <= 0 || delay > SOON_MS || this.#early >= TIMERS_MAX) return;
    this.#early += 1;
    this.#timers.after(
      delay + 1,
      () => {
        this.#early -= 1;
        this.#announceReady().catch(() => {});
      },
      true,
    );
  }

  async #announceReady(): Promise<void> {
    if (this.#closed) return;
    const now = this.#timers.monotonic();
    for (const [address, until] of this.#givenBack) if (until <= now) this.#givenBack.delete(address);
    for (const address of await this.#store.readyAddresses())
      if (!this.#givenBack.has(address)) this.#announce(address);
  }

  #announce(address: string): void {
    this.#hot.add(address);
    // The one that waits longest: its claim tells the next one when it leaves work behind.
    for (const waiter of this.#waiters) {
      if (!waiter.addresses.has(address)) continue;
      waiter.wake();
      break;
    }
  }

  #announceLater(address: string): void {
    if (this.#left.has(address)) return;
    this.#left.add(address);
    this.#timers.after(
      YIELD_MS,
      () => {
        this.#left.delete(address);
        if (!this.#closed) this.#announce(address);
      },
      true,
    );
  }

  #wait(
    { worker, leaseMs, limit, first }: ClaimWish,
    addresses: ReadonlySet<string>,
    ms: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    return new Promise(resolve => {
      const end = (): void => {
        stop();
        signal?.removeEventListener('abort', end);
        this.#waiters.delete(waiter);
        resolve();
      };
      const stop = this.#timers.after(ms, end);
      const begin = first && ((claim: Claim) => this.#firstStep(first(claim)));
      const waiter: Waiter = { worker, leaseMs, limit, addresses, ...(begin && { begin }), wake: end };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', end);
    });
  }

  async #poll(): Promise<void> {
    const began = this.#timers.monotonic();
    try {
      await this.#store.expireLeases();
      await this.#announceReady();
    } catch {
      // The store is unavailable for now; the next tick tries again, and writers report it.
    }
    if (this.#closed) return;
    // Many addresses make the look expensive: then it is taken less often.
    const next = Math.max(TICK_MS, (this.#timers.monotonic() - began) * 20);
    this.#tick = this.#timers.after(next, () => void this.#poll(), true);
  }

  onAsk(worker: string, listener: (msgid: number) => void): () => void {
    return this.#store.onAsk((msgid, holder) => {
      if (holder === worker) listener(msgid);
    });
  }

  /** Ends the waits; the store stays open. */
  close(): void {
    this.#closed = true;
    this.#tick?.();
    this.#stopReady();
    this.#stopOffer();
    this.#accepted.close();
    for (const waiter of this.#waiters) waiter.wake();
  }
}

/** The same, with something else made of what each comes to. */
function mapped<From, To>({ kind, item, all }: Together<From>, make: (value: From) => To): Together<To> {
  type Item = { readonly item: unknown; readonly make: (value: From) => To };
  return {
    kind,
    item: { item, make } satisfies Item,
    async all(tx, items) {
      const each = items as readonly Item[];
      const values = await all(
        tx,
        each.map(one => one.item),
      );
      return values.map((value, index) => (value === null ? null : each[index]!.make(value)));
    },
  };
}
