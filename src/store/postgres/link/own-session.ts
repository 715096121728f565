import type pg from 'pg';
import { CoaxError } from '../../../errors/coax-error.ts';
import type { Link } from './link.ts';

/**
 * Makes sure that a connection is one session of the database for as long as it lives. A pooler that gives each transaction
 * another one (PgBouncer with pool_mode=transaction) cannot be used: listening, the names of living processes (advisory
 * locks), prepared statements and the settings that keep statements on their indexes all belong to a session.
 *
 * Errors: COAX_STORE_UNAVAILABLE.
 */
export async function assertOwnSession(link: Link, open: () => Promise<Link>): Promise<void> {
  // A pooler makes up the process number that it gives at connecting.
  const { processID } = link.client as pg.Client & { processID: number | null };
  if (processID === link.pid) return;
  const other = await open();
  try {
    // The other takes the session that was free last, or the next in turn: one of the two shows a shared one.
    await other.once('BEGIN');
    const taken = await sessionOf(other);
    const own = await sessionOf(link);
    await other.once('COMMIT');
    if (own === link.pid && taken !== link.pid) return;
  } finally {
    await other.close();
  }
  throw new CoaxError('COAX_STORE_UNAVAILABLE', 'a pooler gives each transaction another session', {
    where: link.where,
    hint: 'Connect to PostgreSQL itself, or set pool_mode=session there: each server takes up to 15 connections.',
  });
}

async function sessionOf(link: Link): Promise<number> {
  const { rows } = await link.once('SELECT pg_backend_pid() AS pid');
  return (rows[0] as { pid: number }).pid;
}
