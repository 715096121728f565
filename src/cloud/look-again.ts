import type { Timers } from '../store/timers.ts';

export interface LookAgainOptions {
  readonly timers: Timers;
  /** Milliseconds from the end of one look to the next. */
  readonly everyMs: number;
  look(): Promise<void>;
  /** Hears of a look that failed; the next one comes all the same. */
  onFault(error: unknown): void;
}

/** Looks again and again, one look at a time; keeps no process alive. Returns what ends it, which waits for the look under way. */
export function lookAgain({ timers, everyMs, look, onFault }: LookAgainOptions): () => Promise<void> {
  let closed = false;
  let stop = (): void => {};
  let looking: Promise<void> = Promise.resolve();
  const later = (): void => {
    if (closed) return;
    const now = (): void => {
      looking = look().catch(onFault).finally(later);
    };
    stop = timers.after(everyMs, now, true);
  };
  later();
  return async () => {
    closed = true;
    stop();
    await looking;
  };
}
