/** A host that a request could go to, before it is a choice. */
export interface Candidate {
  readonly at: number;
  /** How well it keeps a soft rule of the group; decides before the score. */
  readonly rank: number;
  readonly score: number;
  readonly devices: readonly number[];
}

/** The best few of what is offered, best first. */
export class BestOf {
  readonly #limit: number;
  readonly #byOrder: boolean;
  readonly found: Candidate[] = [];

  /** Of equals the one with the lowest number wins, or else (not `byOrder`) the one that came first. */
  constructor(limit: number, byOrder: boolean) {
    this.#limit = limit;
    this.#byOrder = byOrder;
  }

  /** Whether one of this rank and score, and a number that is not lower than this one, could still get in. */
  takes(rank: number, score: number, at: number): boolean {
    if (this.found.length < this.#limit) return true;
    const last = this.found[this.#limit - 1];
    if (last === undefined || rank < last.rank) return false;
    if (rank > last.rank || score > last.score) return true;
    return this.#byOrder && score === last.score && at < last.at;
  }

  offer(candidate: Candidate): void {
    const { found } = this;
    let place = found.length;
    while (place > 0 && this.#isBetter(candidate, found[place - 1]!)) place -= 1;
    if (place === this.#limit) return;
    if (found.length < this.#limit) found.push(candidate);
    for (let last = found.length - 1; last > place; last -= 1) found[last] = found[last - 1]!;
    found[place] = candidate;
  }

  #isBetter(one: Candidate, other: Candidate): boolean {
    if (one.rank !== other.rank) return one.rank > other.rank;
    if (one.score !== other.score) return one.score > other.score;
    return this.#byOrder && one.at < other.at;
  }
}
