/** Time as a value, so that a simulation can own it. Lengths in milliseconds. */
export interface Timers {
  /** A clock that never goes back; only differences mean something. */
  monotonic(): number;
  /** Calls back once after `ms`; returns what ends it. Does not keep the process alive when `background`. */
  after(ms: number, call: () => void, background?: boolean): () => void;
  /** Calls back once, after what is under way has had its turn. */
  soon(call: () => void): void;
}

/** What `work` comes to; after `ms` without it, rejects with the error that `late` gives. */
export function inTime<T>(timers: Timers, ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = timers.after(ms, () => reject(late()));
    void work.then(resolve, reject).finally(stop);
  });
}

export const REAL_TIMERS: Timers = {
  monotonic: () => performance.now(),
  after: (ms, call, background = false) => {
    const timer = setTimeout(call, ms);
    if (background) timer.unref();
    return () => clearTimeout(timer);
  },
  soon: call => {
    setImmediate(call);
  },
};
