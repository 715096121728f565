import type { LiveBatch } from './live.ts';
import { live } from './live.ts';

/** What is counted: messages that came, and how they ended. */
export const RATE_NAMES = ['accepted', 'done', 'rolled_back', 'parked'] as const;
export type RateName = (typeof RATE_NAMES)[number];
export type RateCounts = Readonly<Record<RateName, number>>;

/** One place on the axis of time is so long. */
export const BUCKET_MS = 5000;
export const BUCKETS = 60;
const TELL_MS = 1000;

export interface RatesState {
  /** Oldest first; the last one is under way. */
  readonly buckets: readonly RateCounts[];
  /** Since when all was heard, in milliseconds since 1970; 0 while nothing was. */
  readonly since: number;
}

const NOTHING: RateCounts = { accepted: 0, done: 0, rolled_back: 0, parked: 0 };

/** How many messages came and ended lately, counted from the events since this page was opened. */
class Rates {
  #buckets: Record<RateName, number>[] = [];
  #last = 0;
  #since = 0;
  #state: RatesState = { buckets: [], since: 0 };
  readonly #watchers = new Set<() => void>();

  readonly state = (): RatesState => this.#state;

  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  /** Counts a batch. A gap begins anew: what was missed is not known. */
  take({ events, gap }: LiveBatch, now: number): void {
    if (gap || this.#since === 0) {
      this.#buckets = [];
      this.#since = now;
      this.#last = Math.floor(now / BUCKET_MS);
    }
    this.#moveTo(now);
    const bucket = this.#buckets.at(-1)!;
    for (const { message, commits } of events) {
      for (const { outcome } of commits) if (outcome === 'accepted') bucket.accepted++;
      const { status } = message;
      if (status === 'done' || status === 'rolled_back' || status === 'parked') bucket[status]++;
    }
  }

  /** Lets time go by, and tells who watches. */
  tell(now: number): void {
    if (this.#since === 0) return;
    this.#moveTo(now);
    const missing = Math.max(0, BUCKETS - this.#buckets.length);
    this.#state = {
      buckets: [...Array<RateCounts>(missing).fill(NOTHING), ...this.#buckets.map(bucket => ({ ...bucket }))],
      since: this.#since,
    };
    for (const watcher of this.#watchers) watcher();
  }

  #moveTo(now: number): void {
    const at = Math.floor(now / BUCKET_MS);
    if (this.#buckets.length === 0) this.#buckets.push({ ...NOTHING });
    const steps = Math.min(BUCKETS, Math.max(0, at - this.#last));
    for (let step = 0; step < steps; step++) this.#buckets.push({ ...NOTHING });
    this.#last = Math.max(this.#last, at);
    this.#buckets.splice(0, Math.max(0, this.#buckets.length - BUCKETS));
  }
}

export const rates = new Rates();

/** Counts while somebody is signed in, whatever screen is shown; returns what ends it. */
export function countRates(): () => void {
  const end = live.hear(batch => rates.take(batch, Date.now()));
  const timer = setInterval(() => rates.tell(Date.now()), TELL_MS);
  return () => {
    end();
    clearInterval(timer);
  };
}
