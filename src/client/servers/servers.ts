import { CoaxError } from '../../errors/coax-error.ts';

/** Where one server is. */
export interface ServerAddress {
  /** `http://HOST:PORT`, `https://…` or `unix:/path/to/socket`, without a slash at its end. */
  readonly url: string;
  /** What paths are appended to. */
  readonly base: URL;
  readonly socketPath: string | undefined;
}

/** The addresses of a list with commas between. Errors: COAX_USAGE for one that is none; `where`: who gave it. */
export function parseServers(text: string, where: string): readonly ServerAddress[] {
  const urls = text.split(',').map(part => part.trim().replace(/\/+$/, ''));
  return [...new Set(urls)].map(url => addressOf(url, where));
}

function addressOf(url: string, where: string): ServerAddress {
  if (/^unix:./.test(url)) {
    return { url, base: new URL('http://localhost'), socketPath: url.slice('unix:'.length) };
  }
  const base = /^https?:\/\//i.test(url) ? URL.parse(url) : null;
  if (base !== null) return { url, base, socketPath: undefined };
  throw new CoaxError('COAX_USAGE', `${url || 'nothing'} is not an address of a server`, {
    where,
    hint: 'For example http://127.0.0.1:7411 or unix:/run/coax.sock; several with commas between.',
  });
}

/**
 * The servers of one installation, any of which may be asked. All who share this object keep to one of them, until somebody
 * finds that it does not answer.
 */
export class Servers {
  readonly all: readonly ServerAddress[];
  #current: ServerAddress;
  readonly #listeners = new Set<(left: ServerAddress) => void>();
  readonly #random: () => number;

  /**
   * `first`: the one that is asked first; `any` spreads many clients of one list over its servers. `random`: in [0, 1). Errors:
   * COAX_USAGE.
   */
  constructor(urls: string, first: 'first' | 'any' = 'first', random: () => number = Math.random) {
    this.all = parseServers(urls, 'the addresses of the server');
    this.#random = random;
    this.#current = this.all[first === 'any' ? Math.floor(random() * this.all.length) : 0]!;
  }

  static of(urls: string | Servers): Servers {
    return typeof urls === 'string' ? new Servers(urls) : urls;
  }

  /** The one to ask now. */
  get current(): ServerAddress {
    return this.#current;
  }

  get several(): boolean {
    return this.all.length > 1;
  }

  /** All of them, as they are named in errors. */
  get text(): string {
    return this.all.map(({ url }) => url).join(', ');
  }

  /**
   * That server does not answer, or takes nothing: another is asked from now on, unless one is already. Which of several
   * others is left to chance, so that the clients of a server that died do not all go to the same one. `tried`: not these, as
   * long as there are others.
   */
  leave(server: ServerAddress, tried: ReadonlySet<ServerAddress> = new Set()): void {
    if (server !== this.#current || !this.several) return;
    const others = this.all.filter(other => other !== server);
    const fresh = others.filter(other => !tried.has(other));
    const from = fresh.length > 0 ? fresh : others;
    this.#current = from[Math.floor(this.#random() * from.length)]!;
    for (const listener of this.#listeners) listener(server);
  }

  /** Hears of each server that is left. Returns what ends it. */
  onLeave(listener: (left: ServerAddress) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
