import { timingSafeEqual } from 'node:crypto';
import type { Store } from '../store/store.ts';
import { Accounts } from './accounts.ts';
import { Bindings } from './bindings.ts';
import { ConsoleTickets } from './console-tickets.ts';
import { LoginSessions, type SessionNeeds } from './login-sessions.ts';
import { INSTALLATION, type Principal } from './principal.ts';
import { Projects } from './projects.ts';
import { Tokens, tokenHash } from './tokens.ts';

/** What a token opens is remembered for so long: so late, at most, a server notices what another one changed. */
const REMEMBERED_MS = 1000;
const REMEMBERED_MAX = 10_000;

export interface IdentityOptions {
  readonly store: Store;
  /** The token of the data directory: an admin of the whole installation. Only its hash is kept in memory. */
  readonly token: string;
  /** As whom that token stands in the ledger. */
  readonly actor?: string;
  /** By what logins of a provider are looked at again; absent if there is none. */
  readonly sessions?: SessionNeeds | null;
  /** Whom a token of another kind stands for: a host's session. */
  others(token: string): Promise<Principal | null>;
}

/** Everybody who may ask, and what each may do. */
export class Identity {
  readonly projects: Projects;
  readonly bindings: Bindings;
  readonly accounts: Accounts;
  readonly tokens: Tokens;
  readonly sessions: LoginSessions;
  readonly tickets: ConsoleTickets;
  readonly #store: Store;
  readonly #known: Buffer;
  readonly #owner: Principal;
  readonly #others: IdentityOptions['others'];
  readonly #remembered = new Map<string, { readonly principal: Principal; readonly until: number }>();

  constructor({ store, token, actor = 'admin', others, sessions = null }: IdentityOptions) {
    this.#store = store;
    this.#known = Buffer.from(tokenHash(token));
    this.#owner = { actor, host: null, grants: [{ project: INSTALLATION, role: 'admin' }] };
    this.#others = others;
    this.projects = new Projects(store);
    this.bindings = new Bindings(store);
    this.accounts = new Accounts(store);
    this.tokens = new Tokens(store, this.bindings);
    this.sessions = new LoginSessions(store, this.bindings, sessions);
    this.tickets = new ConsoleTickets(store);
  }

  /**
   * Whom a token or a login session stands for; null when it is not good. What is compared is hashes, so that the time it
   * takes tells nothing of how close a guess was. No promise for what is remembered.
   */
  principalOf(given: string): Principal | null | Promise<Principal | null> {
    const hashed = tokenHash(given);
    const remembered = this.#remembered.get(hashed);
    if (remembered !== undefined && remembered.until > this.#store.now()) return remembered.principal;
    if (!this.#isOwner(hashed)) return this.#principalOfOther(given, hashed);
    this.#remember(hashed, this.#owner);
    return this.#owner;
  }

  async #principalOfOther(given: string, hashed: string): Promise<Principal | null> {
    const principal =
      (await this.#ofHash(hashed)) ??
      (await this.sessions.principalOf(given, token => this.#ofHash(token))) ??
      (await this.#others(given));
    if (principal === null) this.#remembered.delete(hashed);
    // A host's session ends at once when its key is revoked, so it is not remembered.
    else if (principal.host === null) this.#remember(hashed, principal);
    return principal;
  }

  /** Is it a token, that of the data directory or one that was made, rather than a session? */
  async isToken(given: string): Promise<boolean> {
    return (await this.#ofHash(tokenHash(given))) !== null;
  }

  /** Something of who may do what has changed: this server knows at once. */
  changed(): void {
    this.#remembered.clear();
  }

  #isOwner(hashed: string): boolean {
    return timingSafeEqual(Buffer.from(hashed), this.#known);
  }

  async #ofHash(hashed: string): Promise<Principal | null> {
    return this.#isOwner(hashed) ? this.#owner : this.tokens.principalOf(hashed);
  }

  #remember(hashed: string, principal: Principal): void {
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear();
    this.#remembered.set(hashed, { principal, until: this.#store.now() + REMEMBERED_MS });
  }
}
