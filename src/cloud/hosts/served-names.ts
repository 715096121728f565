import type { Store } from '../../store/store.ts';
import { lostHosts } from './lost-hosts.ts';

/** How often it is looked which hosts are lost. */
const LOOK_MS = 500;

/** Names of the hosts whose steps this process does: those that it runs, without those that were declared lost. */
export class ServedNames {
  readonly #store: Pick<Store, 'reader'>;
  readonly #all: readonly string[];
  readonly #timer: NodeJS.Timeout;
  #now: readonly string[];
  #looking: Promise<void> = Promise.resolve();

  /** Looks once before it is there. */
  static async open(store: Pick<Store, 'reader'>, all: readonly string[]): Promise<ServedNames> {
    const names = new ServedNames(store, all);
    await names.#look();
    return names;
  }

  private constructor(store: Pick<Store, 'reader'>, all: readonly string[]) {
    this.#store = store;
    this.#all = all;
    this.#now = all;
    this.#timer = setInterval(() => {
      // A store that is away says nothing new; whoever writes to it reports that.
      this.#looking = this.#look().catch(() => {});
    }, LOOK_MS).unref();
  }

  /** The same list as long as nothing has changed. */
  now(): readonly string[] {
    return this.#now;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const lost = new Set(await lostHosts(this.#store));
    const now = this.#all.filter(name => !lost.has(name));
    if (now.length !== this.#now.length || now.some((name, at) => name !== this.#now[at])) this.#now = now;
  }
}
