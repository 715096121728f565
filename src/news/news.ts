import { setTimeout as sleep } from 'node:timers/promises';

/** So often it is looked, while somebody listens: one look for all who do. */
const LOOK_MS = 500;

/**
 * Tells what has changed in the store since the look before, whichever server changed it. Nothing is looked at while nobody listens.
 * `read`: what there is now. `compare`: what is told of the difference.
 */
export class News<State, Note> {
  readonly #read: () => Promise<State>;
  readonly #compare: (before: State, now: State) => readonly Note[];
  readonly #listeners = new Set<(note: Note) => void>();
  #known: { readonly state: State } | null = null;
  #looking = false;

  constructor(read: () => Promise<State>, compare: (before: State, now: State) => readonly Note[]) {
    this.#read = read;
    this.#compare = compare;
  }

  /** Hears of what changes from now on; returns what ends it. Resolves when the first look was had. */
  async hear(listener: (note: Note) => void): Promise<() => void> {
    this.#listeners.add(listener);
    if (!this.#looking) void this.#look();
    if (this.#known === null) await this.#readAnew().catch(() => {});
    return () => this.#listeners.delete(listener);
  }

  async #look(): Promise<void> {
    this.#looking = true;
    while (this.#listeners.size > 0) {
      // A store that is away says nothing; what changed meanwhile is told when it is back.
      await this.#readAnew().catch(() => {});
      await sleep(LOOK_MS, undefined, { ref: false });
    }
    this.#looking = false;
    this.#known = null;
  }

  async #readAnew(): Promise<void> {
    const state = await this.#read();
    const before = this.#known;
    this.#known = { state };
    if (before === null) return;
    for (const note of this.#compare(before.state, state))
      for (const listener of this.#listeners) listener(note);
  }
}
