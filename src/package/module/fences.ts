const KEYS_MAX = 10_000;

/** The largest fence that each key came with, of the last 10,000 keys. */
export class Fences {
  readonly #seen = new Map<string, number>();

  /** Is this fence no smaller than all that this key came with before? */
  passes(key: string, fence: number): boolean {
    const seen = this.#seen.get(key) ?? fence;
    if (fence < seen) return false;
    this.#seen.delete(key);
    this.#seen.set(key, fence);
    if (this.#seen.size > KEYS_MAX) this.#seen.delete(this.#seen.keys().next().value!);
    return true;
  }
}
