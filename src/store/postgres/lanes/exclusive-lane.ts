import type { Engine, Tell } from '../engine.ts';
import type { Link } from '../link/link.ts';
import type { Notes } from '../notes.ts';
import { remedyOf } from '../postgres-error.ts';
import { PostgresTx } from '../postgres-tx.ts';
import { inTransaction } from './transaction.ts';

/** Items of one transaction at most, and how long it may take new ones: other servers wait for the lock. */
const BATCH_MAX = 64;
const BATCH_MS = 100;
const DEADLOCKS_MAX = 5;
/** How long a transaction that finds no working connection is tried again, and how often. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 50;

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
    const ended = await inTransaction(
      this.#engine,
      this.#engine.exclusive,
      'exclusive',
      async (link, notes) => {
        const settle: (() => void)[] = [];
        await this.#fill(link, batch, settle, notes);
        return { value: settle };
      },
    );
    if (ended.fate === 'aborted') await this.#failed(batch, ended.error);
    else if (ended.fate === 'unknown') for (const item of batch) item.reject(ended.error);
    else {
      this.#tell(ended.notes);
      for (const done of ended.value) done();
    }
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
}
