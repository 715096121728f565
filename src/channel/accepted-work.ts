import type { Claim, Place, Store } from '../store/store.ts';
import type { Timers } from '../store/timers.ts';

/** So many a worker takes at once; what comes beyond is queued, where other processes find it too. */
const PLACES_MAX = 64;
/** A worker that waits picks up what it was given at once; from one that has gone it is taken back. */
const PICKED_UP_MS = 1000;

/** Who waits for work. */
export interface Waiting {
  readonly worker: string;
  readonly leaseMs: number;
  /** How many it takes. */
  readonly limit: number;
  begin?: Place['begin'];
  wake(): void;
}

interface Given {
  /** Places that are kept for what is being accepted. */
  reserved: number;
  claims: Claim[];
}

/**
 * What workers are given as it is accepted. The message is leased to the worker by the transaction that accepts it, so that nobody
 * need be told of it or look for it.
 */
export class AcceptedWork {
  readonly #store: Pick<Store, 'release'>;
  readonly #timers: Timers;
  readonly #waiting: (worker: string) => Waiting | undefined;
  readonly #given = new Map<string, Given>();

  /** `waiting`: the wait of that worker, if it waits now. */
  constructor(
    store: Pick<Store, 'release'>,
    timers: Timers,
    waiting: (worker: string) => Waiting | undefined,
  ) {
    this.#store = store;
    this.#timers = timers;
    this.#waiting = waiting;
  }

  /** How many that worker will have besides what it claims. */
  reserved(worker: string): number {
    const given = this.#given.get(worker);
    return given === undefined ? 0 : given.reserved + given.claims.length;
  }

  /** A place with that worker; null when it has none left. */
  reserve({ worker, leaseMs, limit, begin }: Waiting): Place | null {
    if (this.reserved(worker) >= Math.min(limit, PLACES_MAX)) return null;
    const given = this.#given.get(worker) ?? { reserved: 0, claims: [] };
    this.#given.set(worker, given);
    given.reserved += 1;
    return {
      worker,
      leaseMs,
      ...(begin && { begin }),
      fill: claim => {
        given.reserved -= 1;
        given.claims.push(claim);
        this.#tell(worker, given);
      },
      free: () => {
        given.reserved -= 1;
        this.#tell(worker, given);
      },
    };
  }

  /** What that worker was given since it asked last. */
  pickUp(worker: string): readonly Claim[] {
    const given = this.#given.get(worker);
    if (given === undefined) return [];
    const { claims } = given;
    given.claims = [];
    if (given.reserved === 0) this.#given.delete(worker);
    return claims;
  }

  #tell(worker: string, given: Given): void {
    const waiting = this.#waiting(worker);
    if (waiting !== undefined) waiting.wake();
    else if (given.claims.length > 0) this.#takeBackLater(worker);
    if (given.claims.length === 0 && given.reserved === 0 && this.#given.get(worker) === given)
      this.#given.delete(worker);
  }

  #takeBackLater(worker: string): void {
    this.#timers.after(
      PICKED_UP_MS,
      () => {
        if (this.#waiting(worker) === undefined) this.#takeBack(worker);
      },
      true,
    );
  }

  /** When it fails they come back as their leases end. */
  #takeBack(worker: string): void {
    const claims = this.pickUp(worker);
    if (claims.length > 0) void this.#store.release(claims, false).catch(() => {});
  }

  close(): void {
    for (const worker of [...this.#given.keys()]) this.#takeBack(worker);
  }
}
