import type { Timers } from '../timers.ts';

/** How long a reading of the database's clock counts. */
const WINDOW_MS = 60_000;

/**
 * The database's clock as this process knows it; all servers go by that one clock, however their own are set.
 *
 * Every reading that arrives says: now it is at least so late there. The latest of these bounds, moved on by the monotonic
 * clock, is what `now` gives: never ahead of the database, behind it by the time that the fastest answer took to come back,
 * and never behind an answer that has arrived. Leases and readiness are judged in SQL by the database itself.
 */
export class DbClock {
  readonly #timers: Timers;
  #recent = Number.NEGATIVE_INFINITY;
  #older = Number.NEGATIVE_INFINITY;
  #since = 0;
  #latest = 0;

  constructor(timers: Timers) {
    this.#timers = timers;
    this.#since = timers.monotonic();
  }

  /** Takes a reading that has just arrived, in milliseconds since 1970. */
  heard(databaseMs: number): void {
    const at = this.#timers.monotonic();
    if (at - this.#since > WINDOW_MS) {
      this.#older = this.#recent;
      this.#recent = Number.NEGATIVE_INFINITY;
      this.#since = at;
    }
    this.#recent = Math.max(this.#recent, databaseMs - at);
  }

  now(): number {
    const now = Math.floor(this.#timers.monotonic() + Math.max(this.#recent, this.#older));
    this.#latest = Math.max(this.#latest, now);
    return this.#latest;
  }
}
