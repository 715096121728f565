import { hash, randomBytes } from 'node:crypto';
import { CoaxError } from '../errors/coax-error.ts';
import { assertUnchanged, type Versions } from '../message/version/version.ts';
import { type Slice, sliced } from '../store/slice.ts';
import type { Store, StoreTx } from '../store/store.ts';
import { accountSubject } from './accounts.ts';
import type { Bindings } from './bindings.ts';
import type { Grant, Principal, Role } from './principal.ts';
import { identityTables, type TokenRow } from './schema.ts';

/** What a token's text begins with, so that it is known for what it is where it turns up. */
const PREFIX = 'coax_';
/** So much of a token is shown in lists: enough to tell tokens apart, far too little to guess one. */
const SHOWN = PREFIX.length + 6;
/** A use is noted so often at most. */
const NOTE_MS = 60_000;

/** A token as lists show it: what opens something is not among it. */
export interface ApiToken {
  readonly name: string;
  /** First characters of its text. */
  readonly prefix: string;
  /** As whom it stands in the ledger. */
  readonly actor: string;
  /** Name of its service account, or null. */
  readonly account: string | null;
  readonly project: string;
  /** Null: what the account's roles give. */
  readonly role: Role | null;
  readonly created: number;
  readonly createdBy: string;
  /** ms since 1970; null for never, as for the other two. */
  readonly expires: number | null;
  readonly revoked: number | null;
  readonly lastUsed: number | null;
}

export interface TokenWish {
  readonly name: string;
  readonly account: string | null;
  readonly project: string;
  readonly role: Role | null;
  /** How long it is good; null for ever. */
  readonly ttlMs: number | null;
}

/** What is kept of a token. It needs no salt: what it is the hash of is random. */
export const tokenHash = (token: string): string => hash('sha256', token);

/** API tokens: 256 random bits each, of which the hash alone is kept; looked up by it, so that no comparison tells anything. */
export class Tokens {
  readonly #store: Store;
  readonly #bindings: Bindings;
  readonly #noted = new Map<string, number>();

  constructor(store: Store, bindings: Bindings) {
    this.#store = store;
    this.#bindings = bindings;
  }

  /** Makes one; its text is seen this once. Errors: COAX_CONFLICT when a token of that name is good now. */
  async create(wish: TokenWish, actor: string): Promise<{ readonly text: string; readonly token: ApiToken }> {
    const text = PREFIX + randomBytes(32).toString('base64url');
    const row = await this.#store.transact(async tx => {
      const db = identityTables(tx.db);
      const other = (
        await db.selectFrom('api_tokens').selectAll().where('name', '=', wish.name).execute()
      ).find(known => isGood(known, tx.now));
      if (other !== undefined)
        throw new CoaxError('COAX_CONFLICT', `a token ${wish.name} is good now`, {
          where: wish.name,
          hint: `Choose another name, or \`coax token revoke ${wish.name}\` first.`,
        });
      const made: TokenRow = {
        hash: tokenHash(text),
        name: wish.name,
        prefix: text.slice(0, SHOWN),
        account: wish.account ?? '',
        project: wish.project,
        role: wish.role ?? '',
        created: tx.now,
        created_by: actor,
        expires: wish.ttlMs === null ? 0 : tx.now + wish.ttlMs,
        revoked: 0,
        last_used: 0,
      };
      await db.insertInto('api_tokens').values(made).execute();
      return made;
    });
    return { text, token: tokenOf(row) };
  }

  /** Newest first: of these projects (`*` is one), or all; those that are no longer good, too, if `all`. */
  async list(projects: readonly string[] | undefined, all: boolean, slice?: Slice): Promise<ApiToken[]> {
    if (projects?.length === 0) return [];
    let query = identityTables(this.#store.reader).selectFrom('api_tokens').selectAll();
    if (projects !== undefined) query = query.where('project', 'in', [...projects]);
    // What `isGood` says, where the page is cut.
    if (!all)
      query = query
        .where('revoked', '=', 0)
        .where(({ or, eb }) => or([eb('expires', '=', 0), eb('expires', '>', this.#store.now())]));
    const order = [{ name: 'created', newestFirst: true }, 'name', 'prefix'] as const;
    return (await sliced(query, order, slice).execute()).map(tokenOf);
  }

  /** The newest of that name. */
  async find(name: string): Promise<ApiToken | null> {
    return newestOf(this.#store.reader, name);
  }

  /** Ends all tokens of that name. Errors: COAX_CHANGED when the newest of them is another one, or was ended. */
  async revoke(name: string, seenAs?: Versions): Promise<void> {
    await this.#store.transact(async tx => {
      if (seenAs !== undefined) {
        const newest = await newestOf(tx.db, name);
        assertUnchanged(newest && tokenState(newest), seenAs, `token ${name}`);
      }
      await identityTables(tx.db)
        .updateTable('api_tokens')
        .set({ revoked: tx.now })
        .where('name', '=', name)
        .where('revoked', '=', 0)
        .execute();
    });
  }

  /** Whom the token with that hash stands for; null when it is not good. */
  async principalOf(hashed: string): Promise<Principal | null> {
    const row = await identityTables(this.#store.reader)
      .selectFrom('api_tokens')
      .selectAll()
      .where('hash', '=', hashed)
      .executeTakeFirst();
    const now = this.#store.now();
    if (row === undefined || !isGood(row, now)) return null;
    this.#note(row, now);
    return { actor: actorOf(row), host: null, grants: await this.#grantsOf(row) };
  }

  async #grantsOf({ role, project, account }: TokenRow): Promise<readonly Grant[]> {
    return role === '' ? this.#bindings.grantsOf([accountSubject(account)]) : [{ project, role }];
  }

  /** When it was used last, to the minute; nobody waits for it, and a store that is away loses it. */
  #note({ hash: hashed, last_used }: TokenRow, now: number): void {
    const noted = Math.max(Number(last_used), this.#noted.get(hashed) ?? 0);
    if (now - noted < NOTE_MS) return;
    this.#noted.set(hashed, now);
    this.#store
      .jot(async db => {
        await identityTables(db)
          .updateTable('api_tokens')
          .set({ last_used: now })
          .where('hash', '=', hashed)
          .execute();
      })
      .catch(() => {});
  }
}

async function newestOf(db: StoreTx['db'], name: string): Promise<ApiToken | null> {
  const row = await identityTables(db)
    .selectFrom('api_tokens')
    .selectAll()
    .where('name', '=', name)
    .orderBy('created', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? null : tokenOf(row);
}

/** What of a token somebody decides: its use is not among it. */
export const tokenState = ({ lastUsed: _, ...state }: ApiToken): Omit<ApiToken, 'lastUsed'> => state;

function isGood({ revoked, expires }: TokenRow, now: number): boolean {
  return Number(revoked) === 0 && (Number(expires) === 0 || Number(expires) > now);
}

const actorOf = ({ account, name }: TokenRow): string =>
  account === '' ? `token/${name}` : accountSubject(account);

function tokenOf(row: TokenRow): ApiToken {
  const time = (value: number): number | null => (Number(value) === 0 ? null : Number(value));
  return {
    name: row.name,
    prefix: row.prefix,
    actor: actorOf(row),
    account: row.account || null,
    project: row.project,
    role: row.role || null,
    created: Number(row.created),
    createdBy: row.created_by,
    expires: time(row.expires),
    revoked: time(row.revoked),
    lastUsed: time(row.last_used),
  };
}
