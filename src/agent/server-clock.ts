import type { Claim } from '../channel/channel.ts';

/**
 * The server's time, as far as claims have told it: the ledger is kept in that, whatever this machine's clock says, and
 * whenever it is set. Before the first claim it is this machine's own. Milliseconds since 1970.
 */
export class ServerClock {
  readonly #monotonic: () => number;
  #ahead: number;

  constructor(own: number = Date.now(), monotonic: () => number = () => performance.now()) {
    this.#monotonic = monotonic;
    this.#ahead = own - monotonic();
  }

  now(): number {
    return Math.round(this.#monotonic() + this.#ahead);
  }

  /** A claim was given just now, for `leaseMs`: it ends by the server's clock. */
  heard({ leaseUntil }: Pick<Claim, 'leaseUntil'>, leaseMs: number): void {
    this.#ahead = leaseUntil - leaseMs - this.#monotonic();
  }
}
