import type { Timers } from '../../store/timers.ts';

interface Due {
  readonly at: number;
  readonly call: () => void;
}

/**
 * A clock that stands still until it is told to move on. A jump over days fires each timer that fell due once, in the order of
 * their times: a poll that would have come a million times in between comes once, at the new time.
 */
export class VirtualTimers implements Timers {
  #nowMs = 0;
  readonly #due = new Set<Due>();

  monotonic(): number {
    return this.#nowMs;
  }

  after(ms: number, call: () => void): () => void {
    const due = { at: this.#nowMs + Math.max(0, ms), call };
    this.#due.add(due);
    return () => this.#due.delete(due);
  }

  /** Real: what is under way gets its turn whatever the clock says. */
  soon(call: () => void): void {
    setImmediate(call);
  }

  /** Moves the clock to that time, if it is later, and fires what has fallen due. */
  moveTo(ms: number): void {
    this.#nowMs = Math.max(this.#nowMs, ms);
    const now = [...this.#due].filter(due => due.at <= this.#nowMs).sort((a, b) => a.at - b.at);
    for (const due of now) if (this.#due.delete(due)) due.call();
  }
}
