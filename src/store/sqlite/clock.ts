/**
 * Milliseconds since 1970 that never go back: the wall clock as it was when the store opened, moved on by the monotonic
 * clock. A wall clock that jumps while the server runs changes neither leases nor backoffs.
 */
export class StoreClock {
  readonly #origin: number;
  #latest = 0;

  constructor(wall: () => number = Date.now) {
    this.#origin = wall() - performance.now();
  }

  now(): number {
    const now = Math.floor(this.#origin + performance.now());
    this.#latest = Math.max(this.#latest, now);
    return this.#latest;
  }
}
