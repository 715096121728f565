import { CoaxError } from '../../../errors/coax-error.ts';
import type { Link } from './link.ts';

/** Connections that are made when they are needed and kept; each is used by one at a time. */
export class Pool {
  readonly #max: number;
  readonly #open: () => Promise<Link>;
  readonly #idle: Link[] = [];
  readonly #waiting: (() => void)[] = [];
  #used = 0;
  #closed = false;

  constructor(max: number, open: () => Promise<Link>) {
    this.#max = max;
    this.#open = open;
  }

  /** Gives `work` a connection of its own; one that broke meanwhile is not used again. */
  async use<T>(work: (link: Link) => Promise<T>): Promise<T> {
    while (this.#used >= this.#max) await new Promise<void>(resolve => this.#waiting.push(resolve));
    this.#used += 1;
    let link: Link | undefined;
    try {
      link = await this.#take();
      return await work(link);
    } finally {
      this.#used -= 1;
      if (link?.broken) this.dropIdle();
      else if (link !== undefined && this.#closed) await link.close();
      else if (link !== undefined) this.#idle.push(link);
      this.#waiting.shift()?.();
    }
  }

  async #take(): Promise<Link> {
    if (this.#closed) throw new CoaxError('COAX_STORE_UNAVAILABLE', 'the store is closed');
    for (let link = this.#idle.pop(); link !== undefined; link = this.#idle.pop())
      if (!link.broken) return link;
    return this.#open();
  }

  /** What ended one connection has mostly ended those that nobody looks at, too. */
  dropIdle(): void {
    for (const link of this.#idle.splice(0)) link.destroy();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#idle.splice(0).map(link => link.close()));
  }
}

/** One connection that many use at the same time: their statements go out as a pipeline. */
export class SharedLink {
  readonly #open: () => Promise<Link>;
  #link: Promise<Link> | null = null;

  constructor(open: () => Promise<Link>) {
    this.#open = open;
  }

  get(): Promise<Link> {
    if (this.#link !== null) return this.#link;
    const opening = this.#open();
    this.#link = opening;
    const forget = (): void => {
      if (this.#link === opening) this.#link = null;
    };
    opening.then(link => link.onEnd(forget), forget);
    return opening;
  }

  async close(): Promise<void> {
    const link = await this.#link?.catch(() => undefined);
    await link?.close();
  }
}
