interface Bucket {
  tokens: number;
  /** Monotonic milliseconds. */
  at: number;
}

/** What is left after a request, or how long to wait for the next one that is let through. */
export type Taken =
  | { readonly ok: true; readonly left: number; readonly resetMs: number }
  | { readonly ok: false; readonly waitMs: number };

/** Keys kept at one time: beyond, those that are full again are forgotten, then the oldest. */
const KEYS_MAX = 50_000;

/**
 * Token buckets, one for each key: each holds `burst` and gets `rate` a second. A bucket that nobody asks of for long is full,
 * so it need not be kept.
 */
export class TokenBuckets {
  readonly rate: number;
  readonly burst: number;
  readonly #buckets = new Map<string, Bucket>();
  readonly #now: () => number;
  readonly #keysMax: number;

  /** `rate`: a second; 0 for no limit. `now`: monotonic milliseconds. */
  constructor(rate: number, burst: number, now: () => number, keysMax = KEYS_MAX) {
    this.rate = rate;
    this.burst = burst;
    this.#now = now;
    this.#keysMax = keysMax;
  }

  /** Takes one, if there is one. */
  take(key: string): Taken {
    if (this.rate === 0) return { ok: true, left: this.burst, resetMs: 0 };
    const bucket = this.#filled(key);
    if (bucket.tokens < 1) return { ok: false, waitMs: ((1 - bucket.tokens) / this.rate) * 1000 };
    bucket.tokens -= 1;
    return { ok: true, left: Math.floor(bucket.tokens), resetMs: this.#untilFull(bucket) };
  }

  /** Milliseconds until one can be taken; 0 when one can be now. */
  waitMs(key: string): number {
    const bucket = this.rate === 0 ? undefined : this.#buckets.get(key);
    if (bucket === undefined) return 0;
    this.#fill(bucket);
    return bucket.tokens >= 1 ? 0 : ((1 - bucket.tokens) / this.rate) * 1000;
  }

  get size(): number {
    return this.#buckets.size;
  }

  #filled(key: string): Bucket {
    const known = this.#buckets.get(key);
    if (known !== undefined) {
      this.#fill(known);
      return known;
    }
    if (this.#buckets.size >= this.#keysMax) this.#forget();
    const bucket = { tokens: this.burst, at: this.#now() };
    this.#buckets.set(key, bucket);
    return bucket;
  }

  #fill(bucket: Bucket): void {
    const now = this.#now();
    bucket.tokens = Math.min(this.burst, bucket.tokens + ((now - bucket.at) / 1000) * this.rate);
    bucket.at = now;
  }

  #untilFull({ tokens }: Bucket): number {
    return ((this.burst - tokens) / this.rate) * 1000;
  }

  /** Forgets the full ones; a flood of new keys then costs the oldest quarter their debts, never memory. */
  #forget(): void {
    for (const [key, bucket] of this.#buckets) {
      this.#fill(bucket);
      if (bucket.tokens >= this.burst) this.#buckets.delete(key);
    }
    if (this.#buckets.size < this.#keysMax) return;
    let left = Math.ceil(this.#keysMax / 4);
    for (const key of this.#buckets.keys()) {
      if (left-- === 0) return;
      this.#buckets.delete(key);
    }
  }
}
