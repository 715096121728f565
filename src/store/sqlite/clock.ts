import type { Timers } from '../timers.ts';

/**
 * Milliseconds since 1970 that never go back: the wall clock as it was when the store opened, moved on by the monotonic
 * clock. A wall clock that jumps while the server runs changes neither leases nor backoffs.
 */
export class StoreClock {
  readonly #timers: Timers;
  readonly #origin: number;
  #latest = 0;

  constructor(timers: Timers, wall: () => number) {
    this.#timers = timers;
    this.#origin = wall() - timers.monotonic();
  }

  now(): number {
    const now = Math.floor(this.#origin + this.#timers.monotonic());
    this.#latest = Math.max(this.#latest, now);
    return this.#latest;
  }
}
