import { CoaxError, invariant } from '../../../errors/coax-error.ts';
import type { Engine } from '../engine.ts';
import type { Link } from '../link/link.ts';
import type { Pool } from '../link/pool.ts';
import { Notes } from '../notes.ts';
import { remedyOf } from '../postgres-error.ts';

/** Of the whole database: "coax" and "x" in ASCII. */
const LOCK = 0x63_6f61_7878;
/** How long a hasty one waits for what others hold, each time. */
const HASTY_MS = 50;
const TAKE = {
  exclusive: 'SELECT pg_advisory_xact_lock($1::bigint), pg_current_xact_id()::text AS xid',
  shared: 'SELECT pg_advisory_xact_lock_shared($1::bigint), pg_current_xact_id()::text AS xid',
  hasty: `SELECT set_config('lock_timeout', '${HASTY_MS}ms', true), pg_advisory_xact_lock_shared($1::bigint),
    pg_current_xact_id()::text AS xid`,
};
/** How long the fate of a transaction whose end was not seen is asked for. */
const FATE_MS = 30_000;

/**
 * `exclusive`: no other of these transactions runs meanwhile, on whatever server, so what one reads stays true until it is
 * done. `shared`: others that are shared run beside it; it holds no longer than it must what they may want. `hasty`: the same, and it
 * fails where it would have to wait.
 */
export type LockMode = keyof typeof TAKE;

/** `unknown`: nobody can tell whether it was kept. */
export type Ended<T> =
  | { readonly fate: 'committed'; readonly value: T; readonly notes: Notes }
  | { readonly fate: 'aborted'; readonly error: unknown }
  | { readonly fate: 'unknown'; readonly error: CoaxError };

/** A transaction's number, and the life of the database in which it is that transaction's. */
interface Begun {
  readonly xid: string;
  readonly incarnation: string;
}

/** What a transaction comes to. `last` sends its last statements: the end goes out behind them, and if one fails nothing is kept. */
export interface Done<T> {
  readonly value: T;
  last?(): Promise<unknown>;
}

/**
 * Runs `work` in a transaction that holds the lock, and finds out what became of it. Throws nothing. `first` sends statements that
 * need not wait until the lock is held: they go out with its beginning.
 */
export async function inTransaction<T>(
  engine: Engine,
  pool: Pool,
  mode: LockMode,
  work: (link: Link, notes: Notes) => Promise<Done<T>>,
  first?: (link: Link) => Promise<unknown>,
): Promise<Ended<T>> {
  const notes = new Notes();
  let begun: Begun | null = null;
  let ended: { value: T } | null = null;
  try {
    await pool.use(async link => {
      try {
        begun = { xid: await begin(link, mode, first), incarnation: link.incarnation };
        const done = await work(link, notes);
        ended = { value: done.value };
        await commit(link, done);
      } catch (error) {
        if (ended === null && !link.broken) await link.once('ROLLBACK').catch(() => link.destroy());
        throw error;
      }
    });
  } catch (error) {
    const unsure = ended !== null && begun !== null && remedyOf(error) === 'unsure';
    const fate = unsure ? await fateOf(engine, begun as unknown as Begun, notes) : 'aborted';
    if (fate === 'aborted') return { fate, error };
    if (fate === 'unknown') return { fate, error: unknownFate(engine) };
  }
  return { fate: 'committed', value: (ended as unknown as { value: T }).value, notes };
}

/** One way there and back. COMMIT rolls a transaction back of which a statement has failed; the error is that statement's. */
async function commit(link: Link, done: Done<unknown>): Promise<void> {
  // What cannot be sent throws here, and COMMIT is not sent either.
  const last = done.last?.();
  const ending = link.once('COMMIT');
  ending.catch(() => {});
  await last;
  invariant((await ending).command === 'COMMIT', 'a transaction was rolled back by its COMMIT');
}

/** The statements go out together: one way there and back. Its number is given once it has the lock. */
async function begin(link: Link, mode: LockMode, first?: (link: Link) => Promise<unknown>): Promise<string> {
  const [, [row]] = await Promise.all([
    link.run('BEGIN'),
    link.run<{ xid: string }>(TAKE[mode], [LOCK]),
    first?.(link),
  ]);
  return (row as { xid: string }).xid;
}

const unknownFate = (engine: Engine): CoaxError =>
  new CoaxError(
    'COAX_STORE_UNAVAILABLE',
    'the connection to PostgreSQL ended while a transaction was being made durable',
    { where: engine.where, hint: 'Look whether it was done before doing it again.' },
  );

/** What became of a transaction whose COMMIT was sent and not answered. */
async function fateOf(engine: Engine, begun: Begun, notes: Notes): Promise<Ended<unknown>['fate']> {
  const until = engine.timers.monotonic() + FATE_MS;
  while (engine.timers.monotonic() < until) {
    try {
      const fate = await engine.readers.use(link => fateAt(link, begun, notes));
      if (fate !== null) return fate;
    } catch (error) {
      // The database does not know that number: it was never given there.
      if (remedyOf(error) === 'none') return 'aborted';
    }
    await engine.pause(100);
  }
  return 'unknown';
}

/** Null: it has not ended. */
async function fateAt(link: Link, begun: Begun, notes: Notes): Promise<Ended<unknown>['fate'] | null> {
  const isSameLife = link.incarnation === begun.incarnation;
  // Its session may still hold the transaction open although its connection is gone.
  if (isSameLife)
    await link.once(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_xid = $1::xid8::xid`,
      [begun.xid],
    );
  const { rows } = await link.once('SELECT pg_xact_status($1::xid8) AS status', [begun.xid]);
  const { status } = rows[0] as { status: string | null };
  if (status === 'aborted') return 'aborted';
  if (isSameLife && status !== 'committed') return null;
  if (!isSameLife) {
    // After a crash or a promotion the number may be another transaction's: only the ledger is proof.
    if (status !== 'committed') return 'aborted';
    const commit = notes.events.flatMap(({ commits }) => commits).at(0);
    if (commit === undefined) return 'unknown';
    const found = await link.once('SELECT 1 FROM commits WHERE msgid = $1 AND seq = $2 AND id = $3', [
      commit.msgid,
      commit.seq,
      commit.id,
    ]);
    if (found.rows.length === 0) return 'aborted';
  }
  await link.settle();
  return 'committed';
}
