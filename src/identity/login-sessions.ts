import { randomBytes } from 'node:crypto';
import type { Store } from '../store/store.ts';
import type { Bindings } from './bindings.ts';
import type { Grant, Principal } from './principal.ts';
import { identityTables } from './schema.ts';
import { tokenHash } from './tokens.ts';

/** A browser, or a command line, is let in for so long. */
export const SESSION_MS = 12 * 3_600_000;
/** Sessions that are over are swept away when one is opened. */
const KEPT_MS = 86_400_000;

export interface SessionWish {
  /** As it stands in the ledger. */
  readonly actor: string;
  /** Whose role bindings count. */
  readonly subjects: readonly string[];
  /** What the login itself gives, until the session ends. */
  readonly grants?: readonly Grant[];
  /** The API token that is traded for the session: it opens what that opens, as long as that is good. */
  readonly token?: string;
}

/** Sessions of people: in the store, so that every server knows them, and by their hash. */
export class LoginSessions {
  readonly #store: Store;
  readonly #bindings: Bindings;

  constructor(store: Store, bindings: Bindings) {
    this.#store = store;
    this.#bindings = bindings;
  }

  /** Opens one; its text is for the cookie alone. */
  async open({
    actor,
    subjects,
    grants = [],
    token,
  }: SessionWish): Promise<{ text: string; expires: number }> {
    const text = `coax_login_${randomBytes(32).toString('base64url')}`;
    const expires = await this.#store.transact(async tx => {
      const db = identityTables(tx.db);
      await db
        .deleteFrom('login_sessions')
        .where('expires', '<', tx.now - KEPT_MS)
        .execute();
      const until = tx.now + SESSION_MS;
      await db
        .insertInto('login_sessions')
        .values({
          hash: tokenHash(text),
          actor,
          subjects: JSON.stringify(subjects),
          token: token === undefined ? '' : tokenHash(token),
          created: tx.now,
          expires: until,
          grants: JSON.stringify(grants),
        })
        .execute();
      return until;
    });
    return { text, expires };
  }

  /** Whom it stands for; null when it is over. `ofToken`: whom the token with that hash stands for now. */
  async principalOf(
    text: string,
    ofToken: (hashed: string) => Promise<Principal | null>,
  ): Promise<Principal | null> {
    const row = await identityTables(this.#store.reader)
      .selectFrom('login_sessions')
      .selectAll()
      .where('hash', '=', tokenHash(text))
      .executeTakeFirst();
    if (row === undefined || Number(row.expires) <= this.#store.now()) return null;
    if (row.token !== '') return ofToken(row.token);
    const subjects = JSON.parse(row.subjects) as string[];
    const grants = [...(JSON.parse(row.grants) as Grant[]), ...(await this.#bindings.grantsOf(subjects))];
    return { actor: row.actor, host: null, grants };
  }

  async end(text: string): Promise<void> {
    await this.#store.transact(async tx => {
      await identityTables(tx.db).deleteFrom('login_sessions').where('hash', '=', tokenHash(text)).execute();
    });
  }
}
