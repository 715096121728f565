/** Changes above this many, and above half of what is beneath, are worth a copy of their own. */
const OWN_COPY_AT = 4096;

/**
 * A map that can be branched at little cost: both sides go on above what they share, and neither sees what the other changes
 * afterwards.
 */
export class LayeredMap<V> {
  #shared: ReadonlyMap<string, V> | null = null;
  /** What is different above the shared map; everything, when there is none. Undefined: taken away. */
  #own = new Map<string, V | undefined>();

  get(key: string): V | undefined {
    const own = this.#own.get(key);
    if (own !== undefined || this.#shared === null || this.#own.has(key)) return own;
    return this.#shared.get(key);
  }

  set(key: string, value: V): void {
    this.#own.set(key, value);
    this.#settle();
  }

  delete(key: string): void {
    if (this.#shared === null) this.#own.delete(key);
    else {
      this.#own.set(key, undefined);
      this.#settle();
    }
  }

  *values(): Generator<V> {
    for (const value of this.#own.values()) if (value !== undefined) yield value;
    if (this.#shared === null) return;
    for (const [key, value] of this.#shared) if (!this.#own.has(key)) yield value;
  }

  branch(): LayeredMap<V> {
    if (this.#shared === null) {
      this.#shared = this.#own as Map<string, V>;
      this.#own = new Map();
    }
    const branch = new LayeredMap<V>();
    branch.#shared = this.#shared;
    branch.#own = new Map(this.#own);
    return branch;
  }

  /** Many changes since the branching: no longer worth two look-ups. */
  #settle(): void {
    if (this.#shared === null || this.#own.size < OWN_COPY_AT + this.#shared.size / 2) return;
    const whole = new Map<string, V | undefined>(this.#shared);
    for (const [key, value] of this.#own) {
      if (value === undefined) whole.delete(key);
      else whole.set(key, value);
    }
    this.#shared = null;
    this.#own = whole;
  }
}
