import { CoaxError } from '../../errors/coax-error.ts';
import type { Tx } from '../../store/tx.ts';
import { agentTables } from './schema.ts';
import { hashOf, newToken, SESSION_PREFIX } from './secrets.ts';

/** A session's token opens for so long; the host then proves itself anew. */
export const SESSION_MS = 10 * 60_000;
/** Of one host; the one that ends first makes room. */
const SESSIONS_MAX = 8;

/**
 * Writes a new session of a host that has proved who it is by that challenge. Errors: COAX_CHALLENGE when the challenge was
 * answered before.
 */
export async function writeSession(
  tx: Tx,
  host: string,
  challenge: { readonly nonce: string; readonly expires: number },
): Promise<string> {
  const db = agentTables(tx.db);
  await db.deleteFrom('agent_nonces').where('expires', '<', tx.now).execute();
  const written = await db
    .insertInto('agent_nonces')
    .values({ hash: hashOf(challenge.nonce), expires: challenge.expires })
    .onConflict(conflict => conflict.column('hash').doNothing())
    .executeTakeFirst();
  if (Number(written.numInsertedOrUpdatedRows ?? 0) === 0) throw staleChallenge(host);
  await db.deleteFrom('agent_sessions').where('expires', '<', tx.now).execute();
  const open = await db
    .selectFrom('agent_sessions')
    .select('hash')
    .where('host', '=', host)
    .orderBy('expires', 'desc')
    .execute();
  const over = open.slice(SESSIONS_MAX - 1).map(({ hash }) => hash);
  if (over.length > 0) await db.deleteFrom('agent_sessions').where('hash', 'in', over).execute();
  const token = newToken(SESSION_PREFIX);
  await db
    .insertInto('agent_sessions')
    .values({ hash: hashOf(token), host, expires: tx.now + SESSION_MS })
    .execute();
  return token;
}

/** The host whose session that token opens now, or null. */
export async function hostOfSession(db: Tx['db'], token: string, now: number): Promise<string | null> {
  const row = await agentTables(db)
    .selectFrom('agent_sessions')
    .select(['host', 'expires'])
    .where('hash', '=', hashOf(token))
    .executeTakeFirst();
  return row !== undefined && Number(row.expires) >= now ? row.host : null;
}

export function staleChallenge(host: string): CoaxError {
  return new CoaxError(
    'COAX_CHALLENGE',
    'the challenge is not one for this host, or too old, or answered already',
    {
      where: host,
    },
  );
}
