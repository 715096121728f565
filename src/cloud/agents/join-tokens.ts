import { CoaxError } from '../../errors/coax-error.ts';
import { type Slice, sliced } from '../../store/slice.ts';
import type { Store } from '../../store/store.ts';
import type { Tx } from '../../store/tx.ts';
import { agentTables, type JoinTokenRow } from './schema.ts';
import { hashOf, JOIN_PREFIX, newToken } from './secrets.ts';

/** Tokens that nobody can use any more are kept for so long: a host that asks late hears what is wrong with its own. */
const KEPT_MS = 7 * 86_400_000;

export interface JoinTokenWish {
  /** Empty: for any new name. */
  readonly host: string;
  readonly ttlMs: number;
  /** May give a host that has a key another one; only with a host. */
  readonly rekeys: boolean;
  /** Who asks for it. */
  readonly actor: string;
}

/** A join token as people may see it: never what opens something. */
export interface JoinTokenInfo {
  /** The first figures of the SHA-256 that is kept of it. */
  readonly id: string;
  readonly hash: string;
  /** Empty: for any new name. */
  readonly host: string;
  readonly rekeys: boolean;
  /** Who asked for it. */
  readonly actor: string;
  /** ms since 1970; `used` is null until a host has joined by it. */
  readonly created: number;
  readonly expires: number;
  readonly used: number | null;
  /** The host that joined; empty before. */
  readonly usedBy: string;
}

/** Enough of the hash to tell tokens apart, and to be typed. */
const ID_LENGTH = 12;

export interface JoinToken {
  /** The one time that it is seen. */
  readonly token: string;
  readonly host: string;
  /** ms since 1970. */
  readonly expires: number;
}

/** Errors: COAX_USAGE for one that may replace keys and names no host. */
export async function makeJoinToken(tx: Tx, wish: JoinTokenWish): Promise<JoinToken> {
  const { host, ttlMs, rekeys, actor } = wish;
  if (rekeys && host === '') {
    throw new CoaxError('COAX_USAGE', 'a token that replaces a key is for one host', {
      where: 'replace',
      hint: 'Name the host: `coax host token HOST --replace`.',
    });
  }
  const token = newToken(JOIN_PREFIX);
  const expires = tx.now + ttlMs;
  const db = agentTables(tx.db);
  await db
    .deleteFrom('join_tokens')
    .where('expires', '<', tx.now - KEPT_MS)
    .execute();
  await db
    .insertInto('join_tokens')
    .values({
      hash: hashOf(token),
      host,
      rekeys: Number(rekeys),
      actor,
      created: tx.now,
      expires,
      used: 0,
      used_by: '',
    })
    .execute();
  return { token, host, expires };
}

/** Join tokens, newest first; those that can be used, or all that are kept. */
export async function listJoinTokens(store: Store, all: boolean, slice?: Slice): Promise<JoinTokenInfo[]> {
  let query = agentTables(store.reader).selectFrom('join_tokens').selectAll();
  if (!all) query = query.where('used', '=', 0).where('expires', '>=', store.now());
  const order = [{ name: 'created', newestFirst: true }, 'hash'] as const;
  const rows = await sliced(query, order, slice).execute();
  return rows.map(row => ({
    id: row.hash.slice(0, ID_LENGTH),
    hash: row.hash,
    host: row.host,
    rekeys: Number(row.rekeys) !== 0,
    actor: row.actor,
    created: Number(row.created),
    expires: Number(row.expires),
    used: Number(row.used) || null,
    usedBy: row.used_by,
  }));
}

/** Nobody can join by it any more. Errors: COAX_NOT_FOUND; COAX_CONFLICT for one by which a host has joined. */
export async function revokeJoinToken(tx: Tx, id: string): Promise<void> {
  const row = await agentTables(tx.db)
    .selectFrom('join_tokens')
    .select(['hash', 'used', 'used_by'])
    .where(({ fn, val, eb }) => eb(fn('substr', ['hash', val(1), val(ID_LENGTH)]), '=', id))
    .executeTakeFirst();
  if (row === undefined) {
    throw new CoaxError('COAX_NOT_FOUND', `there is no join token ${id}`, {
      where: id,
      hint: '`coax host token ls --all` lists them.',
    });
  }
  if (Number(row.used) !== 0) {
    throw new CoaxError('COAX_CONFLICT', `the host ${row.used_by} has joined by the join token ${id}`, {
      where: id,
      hint: `It lets nobody in any more; \`coax host revoke ${row.used_by}\` shuts that host out.`,
    });
  }
  await agentTables(tx.db).deleteFrom('join_tokens').where('hash', '=', row.hash).execute();
}

/** The row of a join token that may let that host in. Errors: COAX_JOIN_TOKEN says why it may not. */
export async function checkJoinToken(tx: Tx, token: string, host: string): Promise<JoinTokenRow> {
  const row = await agentTables(tx.db)
    .selectFrom('join_tokens')
    .selectAll()
    .where('hash', '=', hashOf(token))
    .executeTakeFirst();
  if (row === undefined) throw refused('it is not known here', host);
  if (row.host !== '' && row.host !== host) throw refused(`it is for the host ${row.host}`, host);
  if (Number(row.used) !== 0) {
    // The host's first answer was lost: it asks again with the same key, which the caller compares.
    if (row.used_by === host) return row;
    throw refused('it was used already', host);
  }
  if (Number(row.expires) < tx.now) throw refused('it has expired', host);
  return row;
}

/** Nobody else may use it from now on. */
export async function useJoinToken(tx: Tx, row: JoinTokenRow, host: string): Promise<void> {
  await agentTables(tx.db)
    .updateTable('join_tokens')
    .set({ used: tx.now, used_by: host })
    .where('hash', '=', row.hash)
    .execute();
}

export function refused(reason: string, host: string): CoaxError {
  return new CoaxError('COAX_JOIN_TOKEN', `the join token does not let ${host} in: ${reason}`, {
    where: host,
  });
}
