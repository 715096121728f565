import { CoaxError } from '../errors/coax-error.ts';

/** So many may run at one time, and so many wait; who comes first is first. */
export class RunSlots {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Resolves with what gives the place back, as soon as there is one. Errors: COAX_RATE when too many wait already; the
   * signal's reason when it aborts first.
   */
  async take(
    limits: { readonly running: number; readonly waiting: number },
    signal: AbortSignal,
  ): Promise<() => void> {
    if (this.#running < limits.running) this.#running++;
    else {
      if (this.#waiting.length >= limits.waiting) {
        const reason = `${this.#running} scripts run and ${this.#waiting.length} requests wait already`;
        throw new CoaxError('COAX_RATE', reason, { retryAfterMs: 1000 });
      }
      await this.#turn(signal);
    }
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const next = this.#waiting.shift();
      // The place goes from hand to hand: nobody who comes now is before who waits.
      if (next !== undefined) next();
      else this.#running--;
    };
  }

  #turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const turn = (): void => {
      signal.removeEventListener('abort', leave);
      resolve();
    };
    const leave = (): void => {
      this.#waiting.splice(this.#waiting.indexOf(turn), 1);
      reject(signal.reason);
    };
    signal.throwIfAborted();
    signal.addEventListener('abort', leave, { once: true });
    this.#waiting.push(turn);
    return promise;
  }
}
