/** A host that a request could go to, before it is a choice. */
export interface Candidate {
  readonly at: number;
  /** How well it keeps a soft rule of the group; decides before the score. */
  readonly rank: number;
  readonly score: number;
  readonly devices: readonly number[];
}

/** The best few of what is offered, best first; of equals those that came first. */
export class BestOf {
  readonly #limit: number;
  readonly found: Candidate[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether one of this rank and score could still get in. */
  takes(rank: number, score: number): boolean {
    if (this.found.length < this.#limit) return true;
    const last = this.found[this.#limit - 1];
    return last !== undefined && (rank > last.rank || (rank === last.rank && score > last.score));
  }

  offer(candidate: Candidate): void {
    const { found } = this;
    let place = found.length;
    while (place > 0 && isBetter(candidate, found[place - 1]!)) place -= 1;
    found.splice(place, 0, candidate);
    if (found.length > this.#limit) found.pop();
  }
}

const isBetter = (one: Candidate, other: Candidate): boolean =>
  one.rank > other.rank || (one.rank === other.rank && one.score > other.score);
