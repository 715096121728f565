import { randomBytes } from 'node:crypto';
import { type Slice, sliced } from '../store/slice.ts';
import type { Store } from '../store/store.ts';
import type { Bindings } from './bindings.ts';
import type { Grant, Principal } from './principal.ts';
import { identityTables, type SessionRow } from './schema.ts';
import { tokenHash } from './tokens.ts';

/** A browser, or a command line, is let in for so long. */
export const SESSION_MS = 12 * 3_600_000;
/** Sessions that are over are swept away when one is opened. */
const KEPT_MS = 86_400_000;
/** One server at a time looks at a person again, and the provider is asked again so soon when it was away. */
const LOOKING_MS = 30_000;
/** Digits of the hash of its text that a session is named by: none that opens anything. */
const ID_DIGITS = 16;

export interface SessionWish {
  /** As it stands in the ledger. */
  readonly actor: string;
  /** Whose role bindings count. */
  readonly subjects: readonly string[];
  /** What the login itself gives, until it is looked at again. */
  readonly grants?: readonly Grant[];
  /** The API token that is traded for the session: it opens what that opens, as long as that is good. */
  readonly token?: string;
  /** What the provider looks at the person again by. */
  readonly refresh?: string | null;
}

/** How long logins by a provider are good. Lengths in milliseconds. */
export interface SessionTimes {
  /** A session ends after so long, whatever the provider says. */
  readonly lifeMs: number;
  /** So often the provider looks at the person again, where it gave something to do that by. */
  readonly recheckMs: number;
  /** A session ends when the provider has not looked for so long. */
  readonly uncheckedMs: number;
}

/** Where people of sessions come from. */
export interface SessionProvider {
  readonly times: SessionTimes;
  /** Who somebody is now, and what to ask by next time; null when the login is over. Rejects when nobody can say. */
  again(refresh: string): Promise<Required<Omit<SessionWish, 'token'>> | null>;
}

/** Keeps texts so that the database alone does not tell them. */
export interface Sealing {
  seal(text: string): string;
  /** Throws for what cannot be opened any more. */
  open(sealed: string): string;
}

export interface SessionNeeds {
  readonly provider: SessionProvider;
  readonly sealing: Sealing;
}

/** A session as lists show it: what opens something is not among it. */
export interface LoginSession {
  readonly id: string;
  readonly actor: string;
  /** By a token that was traded, or by the provider. */
  readonly by: 'token' | 'provider';
  readonly created: number;
  readonly expires: number;
  /** When the provider looked at the person last; null if it is by a token. */
  readonly looked: number | null;
}

/** Sessions of people: in the store, so that every server knows them, and by their hash. */
export class LoginSessions {
  readonly #store: Store;
  readonly #bindings: Bindings;
  readonly #needs: SessionNeeds | null;

  constructor(store: Store, bindings: Bindings, needs: SessionNeeds | null = null) {
    this.#store = store;
    this.#bindings = bindings;
    this.#needs = needs;
  }

  /** Opens one; its text is for the cookie alone. `ends`: when it is over whatever else happens. */
  async open(wish: SessionWish): Promise<{ text: string; expires: number; ends: number }> {
    const { actor, subjects, grants = [], token, refresh = null } = wish;
    const text = `coax_login_${randomBytes(32).toString('base64url')}`;
    const times = token === undefined ? this.#needs?.provider.times : undefined;
    const sealed = refresh === null || times === undefined ? '' : this.#needs!.sealing.seal(refresh);
    return this.#store.transact(async tx => {
      const db = identityTables(tx.db);
      await db
        .deleteFrom('login_sessions')
        .where('expires', '<', tx.now - KEPT_MS)
        .execute();
      const ends = tx.now + (times?.lifeMs ?? SESSION_MS);
      const expires = Math.min(ends, tx.now + (times?.uncheckedMs ?? SESSION_MS));
      const row = {
        hash: tokenHash(text),
        actor,
        subjects: JSON.stringify(subjects),
        token: token === undefined ? '' : tokenHash(token),
        created: tx.now,
        expires,
        grants: JSON.stringify(grants),
        refresh: sealed,
        looked: tx.now,
        looking: 0,
        ends,
        parent: '',
      };
      await db.insertInto('login_sessions').values(row).execute();
      return { text, expires, ends: sealed === '' ? expires : ends };
    });
  }

  /** Whom it stands for; null when it is over. `ofToken`: whom the token with that hash stands for now. */
  async principalOf(
    text: string,
    ofToken: (hashed: string) => Promise<Principal | null>,
  ): Promise<Principal | null> {
    const own = await this.#good(tokenHash(text));
    // What was made from another session opens what that one does now, and ends with it.
    const found = own === null || own.parent === '' ? own : await this.#good(own.parent);
    if (found === null) return null;
    if (found.token !== '') return ofToken(found.token);
    const row = this.#isDue(found) ? await this.#again(found) : found;
    if (row === null) return null;
    const subjects = JSON.parse(row.subjects) as string[];
    const grants = [...(JSON.parse(row.grants) as Grant[]), ...(await this.#bindings.grantsOf(subjects))];
    return { actor: row.actor, host: null, grants };
  }

  async #good(hash: string): Promise<SessionRow | null> {
    const row = await identityTables(this.#store.reader)
      .selectFrom('login_sessions')
      .selectAll()
      .where('hash', '=', hash)
      .executeTakeFirst();
    return row === undefined || Number(row.expires) <= this.#store.now() ? null : row;
  }

  #isDue({ refresh, looked }: SessionRow): boolean {
    if (refresh === '' || this.#needs === null) return false;
    return Number(looked) + this.#needs.provider.times.recheckMs <= this.#store.now();
  }

  /**
   * The session after the provider has looked at the person again; null when it is over. While another server is at it, or the
   * provider is away, what was known counts on, until the session expires.
   */
  async #again(row: SessionRow): Promise<SessionRow | null> {
    const { provider, sealing } = this.#needs!;
    const mine = await this.#store.transact(async tx => {
      const taken = await identityTables(tx.db)
        .updateTable('login_sessions')
        .set({ looking: tx.now + LOOKING_MS })
        .where('hash', '=', row.hash)
        .where('refresh', '=', row.refresh)
        .where('looked', '=', row.looked)
        .where('looking', '<=', tx.now)
        .executeTakeFirst();
      return Number(taken.numUpdatedRows) > 0;
    });
    if (!mine) return row;
    let person: Awaited<ReturnType<SessionProvider['again']>>;
    try {
      person = await provider.again(sealing.open(row.refresh));
    } catch {
      return row;
    }
    // Somebody else under the same login is nobody whom this session was opened for.
    if (person === null || person.actor !== row.actor) {
      await this.#remove(row.hash);
      return null;
    }
    const { subjects, grants, refresh } = person;
    const sealed = refresh === null ? '' : sealing.seal(refresh);
    const looked = this.#store.now();
    const change = {
      subjects: JSON.stringify(subjects),
      grants: JSON.stringify(grants),
      refresh: sealed,
      looked,
      looking: 0,
      expires: Math.min(Number(row.ends), looked + provider.times.uncheckedMs),
    };
    await this.#store.transact(async tx => {
      await identityTables(tx.db)
        .updateTable('login_sessions')
        .set(change)
        .where('hash', '=', row.hash)
        .execute();
    });
    return { ...row, ...change };
  }

  /** Those that are good now, newest first. */
  async list(slice?: Slice): Promise<LoginSession[]> {
    const query = identityTables(this.#store.reader)
      .selectFrom('login_sessions')
      .selectAll()
      .where('expires', '>', this.#store.now());
    return (await sliced(query, [{ name: 'created', newestFirst: true }, 'hash'], slice).execute()).map(
      sessionOf,
    );
  }

  /** Ends the one of that id; false when there is none. */
  async revoke(id: string): Promise<boolean> {
    if (!/^[0-9a-f]{16}$/.test(id)) return false;
    return this.#store.transact(async tx => {
      const gone = await identityTables(tx.db)
        .deleteFrom('login_sessions')
        .where('hash', 'like', `${id}%`)
        .where('expires', '>', tx.now)
        .executeTakeFirst();
      return Number(gone.numDeletedRows) > 0;
    });
  }

  end(text: string): Promise<void> {
    return this.#remove(tokenHash(text));
  }

  async #remove(hash: string): Promise<void> {
    await this.#store.transact(async tx => {
      await identityTables(tx.db).deleteFrom('login_sessions').where('hash', '=', hash).execute();
    });
  }
}

const sessionOf = ({ hash, actor, token, created, expires, looked }: SessionRow): LoginSession => ({
  id: hash.slice(0, ID_DIGITS),
  actor,
  by: token === '' ? 'provider' : 'token',
  created: Number(created),
  expires: Number(expires),
  looked: token === '' && Number(looked) > 0 ? Number(looked) : null,
});
