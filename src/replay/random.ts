import type { Random } from '../placement/fleet.ts';

/** Fractions from 0 up to, not including, 1 that only depend on the seed: mulberry32 (T. Ettinger, public domain), 32 bits of state. */
export function seededFractions(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Whole numbers below a bound that only depend on the seed. */
export function seededRandom(seed: number): Random {
  const next = seededFractions(seed);
  return bound => Math.floor(next() * bound);
}
