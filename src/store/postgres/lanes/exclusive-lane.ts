import { CoaxError } from '../../../errors/coax-error.ts';
import type { Engine, Tell } from '../engine.ts';
import type { Link } from '../link/link.ts';
import { Notes } from '../notes.ts';
import { remedyOf } from '../postgres-error.ts';
import { PostgresTx } from '../postgres-tx.ts';

/** One of these transactions runs at a time, on whatever server: "coax" and "x" in ASCII. */
const EXCLUSIVE_LOCK = 0x63_6f61_7878;
/** Items of one transaction at most, and how long it may take new ones: other servers wait for the lock. */
const BATCH_MAX = 64;
const BATCH_MS = 100;
const DEADLOCKS_MAX = 5;
/** How long a transaction that finds no working connection is tried again, and how often. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 50;
/** How long the fate of a transaction whose end was not seen is asked for. */
const FATE_MS = 30_000;

/** A transaction's number, and the life of the database in which it is that transaction's. */
interface Begun {
  readonly xid: string;
  readonly incarnation: string;
}

/** `unknown`: nobody can tell. */
type Fate = 'committed' | 'aborted' | 'unknown';

interface Item<T> {
  work(tx: PostgresTx): Promise<T>;
  /** May be run again from the start when nothing of it was kept. */
  readonly repeatable: boolean;
  /** Not tried any more after this monotonic instant. */
  readonly until: number;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/**
 * Transactions of callers' own, as people's decisions, groups and transactional actions need them: one at a time in the
 * whole installation, so that what one reads stays true until it is done. All that waits here shares one transaction, each
 * in a savepoint of its own, so that waiting for the lock and for the disk is shared too.
 */
export class ExclusiveLane {
  readonly #engine: Engine;
  readonly #tell: Tell;
  #waiting: Item<unknown>[] = [];
  #busy = false;
  #idle: (() => void)[] = [];

  constructor(engine: Engine, tell: Tell) {
    this.#engine = engine;
    this.#tell = tell;
  }

  /** Runs `work`; resolves when what it wrote is durable. */
  enqueue<T>(work: (tx: PostgresTx) => Promise<T>, repeatable: boolean): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const until = this.#engine.timers.monotonic() + PATIENCE_MS;
      this.#waiting.push({ work, repeatable, until, resolve, reject } as Item<unknown>);
      if (!this.#busy) void this.#drain();
    });
  }

  async drained(): Promise<void> {
    while (this.#busy) await new Promise<void>(resolve => this.#idle.push(resolve));
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    // What is asked for in the same turn goes together.
    await new Promise<void>(resolve => this.#engine.timers.soon(resolve));
    while (this.#waiting.length > 0) await this.#flush();
    this.#busy = false;
    for (const wake of this.#idle.splice(0)) wake();
  }

  /** One transaction. Its items are answered when its fate is known. */
  async #flush(): Promise<void> {
    const batch: Item<unknown>[] = [];
    const settle: (() => void)[] = [];
    const notes = new Notes();
    let begun: Begun | null = null;
    let ending = false;
    try {
      await this.#engine.exclusive.use(async link => {
        begun = { xid: await this.#begin(link), incarnation: link.incarnation };
        await this.#fill(link, batch, settle, notes);
        ending = true;
        await link.once('COMMIT');
      });
    } catch (error) {
      const unsure = ending && begun !== null && remedyOf(error) === 'unsure';
      const fate = unsure ? await this.#fateOf(begun as unknown as Begun, notes) : 'aborted';
      if (fate === 'unknown') this.#unknown(batch);
      else if (fate === 'aborted') await this.#failed(batch, error);
      if (fate !== 'committed') return;
    }
    this.#tell(notes);
    for (const done of settle) done();
  }

  async #begin(link: Link): Promise<string> {
    const [, , answer] = await Promise.all([
      link.once('BEGIN'),
      link.once('SELECT pg_advisory_xact_lock($1::bigint)', [EXCLUSIVE_LOCK]),
      link.once('SELECT pg_current_xact_id()::text AS xid'),
    ]);
    return (answer.rows[0] as { xid: string }).xid;
  }

  async #fill(link: Link, batch: Item<unknown>[], settle: (() => void)[], notes: Notes): Promise<void> {
    const until = this.#engine.timers.monotonic() + BATCH_MS;
    while (batch.length < BATCH_MAX) {
      const item = this.#waiting.shift();
      if (item === undefined) return;
      batch.push(item);
      settle.push(await this.#runOne(link, item, notes));
      if (this.#engine.timers.monotonic() > until) return;
    }
  }

  /** Gives what to call once the transaction is durable. */
  async #runOne(link: Link, item: Item<unknown>, notes: Notes): Promise<() => void> {
    for (let tries = 1; ; tries++) {
      const mark = notes.mark();
      await link.once('SAVEPOINT item');
      const tx = new PostgresTx(this.#engine, link, notes, this.#engine.clock.now());
      try {
        const value = await item.work(tx);
        await link.once('RELEASE SAVEPOINT item');
        return () => item.resolve(value);
      } catch (error) {
        if (link.broken || remedyOf(error) === 'unsure') throw error;
        await link.once('ROLLBACK TO SAVEPOINT item; RELEASE SAVEPOINT item');
        notes.backTo(mark);
        if (remedyOf(error) === 'again' && tries < DEADLOCKS_MAX) continue;
        const told = remedyOf(error) === 'none' ? error : this.#engine.fault(error);
        return () => item.reject(told);
      } finally {
        tx.end();
      }
    }
  }

  /** Nothing of the transaction was kept: what may be done again is, for a while. */
  async #failed(batch: readonly Item<unknown>[], error: unknown): Promise<void> {
    const fault = this.#engine.fault(error);
    const passing = remedyOf(error) !== 'none';
    const now = this.#engine.timers.monotonic();
    const again: Item<unknown>[] = [];
    for (const item of batch) {
      if (passing && item.repeatable && now < item.until) again.push(item);
      else item.reject(fault);
    }
    for (const item of this.#waiting.splice(0)) {
      if (passing && now < item.until) again.push(item);
      else item.reject(fault);
    }
    this.#waiting = again;
    if (again.length > 0) await this.#engine.pause(PAUSE_MS);
  }

  /** Whether it was kept cannot be found out: nothing is done again. */
  #unknown(batch: readonly Item<unknown>[]): void {
    const error = new CoaxError(
      'COAX_STORE_UNAVAILABLE',
      'the connection to PostgreSQL ended while a transaction was being made durable',
      { where: this.#engine.where, hint: 'Look whether it was done before doing it again.' },
    );
    for (const item of batch) item.reject(error);
  }

  /** What became of a transaction whose COMMIT was sent and not answered. */
  async #fateOf(begun: Begun, notes: Notes): Promise<Fate> {
    const until = this.#engine.timers.monotonic() + FATE_MS;
    while (this.#engine.timers.monotonic() < until) {
      try {
        const fate = await this.#engine.readers.use(link => fateAt(link, begun, notes));
        if (fate !== null) return fate;
      } catch (error) {
        // The database does not know that number: it was never given there.
        if (remedyOf(error) === 'none') return 'aborted';
      }
      await this.#engine.pause(100);
    }
    return 'unknown';
  }
}

/** Null: it has not ended. */
async function fateAt(link: Link, begun: Begun, notes: Notes): Promise<Fate | null> {
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
