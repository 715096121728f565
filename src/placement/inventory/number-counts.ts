/** Above so many numbers, looking through them one by one takes longer than a `Map` does. */
const FEW = 16;

/** How often each number was added. Mostly they are very few: those lie in an array, since a `Map` takes longer to be made than they to be looked through. */
export class NumberCounts {
  /** Each number, and behind it how often. */
  readonly #pairs: number[] = [];
  #placeOf: Map<number, number> | null = null;

  /** Different ones. */
  get size(): number {
    return this.#pairs.length / 2;
  }

  /** Each one once. */
  get numbers(): readonly number[] {
    return this.#pairs.filter((_, place) => place % 2 === 0);
  }

  add(number: number): void {
    const place = this.#find(number);
    if (place >= 0) {
      this.#pairs[place + 1]! += 1;
      return;
    }
    this.#placeOf?.set(number, this.#pairs.length);
    this.#pairs.push(number, 1);
    if (this.#placeOf === null && this.size > FEW)
      this.#placeOf = new Map(this.numbers.map((known, at) => [known, 2 * at]));
  }

  has(number: number): boolean {
    return this.#find(number) >= 0;
  }

  of(number: number): number {
    const place = this.#find(number);
    return place < 0 ? 0 : this.#pairs[place + 1]!;
  }

  #find(number: number): number {
    if (this.#placeOf !== null) return this.#placeOf.get(number) ?? -1;
    const pairs = this.#pairs;
    for (let place = 0; place < pairs.length; place += 2) if (pairs[place] === number) return place;
    return -1;
  }
}
