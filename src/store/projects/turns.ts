const ADDRESSES_MAX = 10_000;

/**
 * Whose turn it is at each address: projects that have work there are served one after the other, from after the one that was
 * served last. Kept in memory alone: a process that begins anew begins with the first project.
 */
export class Turns {
  readonly #last = new Map<string, string>();

  /** The project that was served last at this address; empty when none was. */
  last(address: string): string {
    return this.#last.get(address) ?? '';
  }

  served(address: string, project: string): void {
    if (this.#last.size >= ADDRESSES_MAX) this.#last.clear();
    this.#last.set(address, project);
  }
}

/** Takes one of each list in turn until all are empty. */
export function inTurn<Value>(lists: readonly (readonly Value[])[]): readonly Value[] {
  if (lists.length === 1) return lists[0]!;
  const longest = Math.max(0, ...lists.map(list => list.length));
  return Array.from({ length: longest }, (_, at) => lists.flatMap(list => list.slice(at, at + 1))).flat();
}
