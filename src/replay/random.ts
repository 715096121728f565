/** A whole number from 0 up to, not including, `bound`. */
export type Random = (bound: number) => number;

/** Numbers that only depend on the seed: mulberry32 (T. Ettinger, public domain), 32 bits of state. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return bound => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}
