import { CoaxError } from '../../errors/coax-error.ts';
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
