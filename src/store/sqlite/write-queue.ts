import type { Timers } from '../timers.ts';
import type { Connection } from './connection.ts';
import { isPassing } from './sqlite-error.ts';

/** Items of one transaction at most: bounds how long readers of the answers wait. */
const BATCH_MAX = 1024;

interface Item<T> {
  /** Runs inside the transaction. */
  work(): T | Promise<T>;
  /** `own`: the work may fail alone, so it gets a savepoint. `plain`: it never leaves half of its writes. */
  readonly savepoint: boolean;
  /** False when losing it in a power cut does no harm (leases): then the disk is not waited for. */
  readonly durable: boolean;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** What the queue's owner does at the turns of a transaction. */
export interface WriteQueueHooks {
  /** The transaction is durable. */
  durable(): void;
  /** The transaction never happened. */
  undone(): void;
  /** Where what is to be told stands now, and back to there when an item alone failed. */
  mark(): Mark;
  backTo(mark: Mark): void;
}

export interface Mark {
  readonly events: number;
  readonly ready: number;
  readonly asked: number;
}

/**
 * Group commit: everything that is to be written waits in one line, and all that waits is written in one transaction.
 * While a transaction is being made durable the next batch gathers. Answers are given after the transaction only.
 */
export class WriteQueue {
  readonly #connection: Connection;
  readonly #timers: Timers;
  readonly #hooks: WriteQueueHooks;
  #waiting: Item<unknown>[] = [];
  #busy = false;
  #scheduled = false;
  #full = true;
  #stale = false;
  #idle: (() => void)[] = [];

  constructor(connection: Connection, timers: Timers, hooks: WriteQueueHooks) {
    this.#connection = connection;
    this.#timers = timers;
    this.#hooks = hooks;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Runs `work` in the next transaction; resolves when that is durable. */
  enqueue<T>(
    work: () => T | Promise<T>,
    options: { savepoint?: boolean; durable?: boolean } = {},
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const item: Item<T> = {
        work,
        savepoint: options.savepoint ?? false,
        durable: options.durable ?? true,
        resolve,
        reject,
      };
      this.#waiting.push(item as unknown as Item<unknown>);
      this.#schedule();
    });
  }

  /** Resolves when nothing waits and nothing is being written. */
  async drained(): Promise<void> {
    while (this.#busy || this.#waiting.length > 0) {
      await new Promise<void>(resolve => this.#idle.push(resolve));
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#busy) return;
    this.#scheduled = true;
    this.#timers.soon(() => {
      this.#scheduled = false;
      void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    const batch = this.#waiting.length <= BATCH_MAX ? this.#waiting : this.#waiting.slice(0, BATCH_MAX);
    this.#waiting = this.#waiting.length <= BATCH_MAX ? [] : this.#waiting.slice(BATCH_MAX);
    if (batch.length === 0) return;
    this.#busy = true;
    try {
      const settle = await this.#transaction(batch);
      try {
        if (settle !== null) this.#hooks.durable();
      } finally {
        for (const done of settle ?? []) done();
      }
    } finally {
      this.#busy = false;
      if (this.#waiting.length > 0) this.#schedule();
      else for (const wake of this.#idle.splice(0)) wake();
    }
  }

  /** What to call for each item now that all is durable; null when nothing was written, and everybody was told. */
  async #transaction(batch: readonly Item<unknown>[], alone = false): Promise<(() => void)[] | null> {
    const settle: (() => void)[] = [];
    let faulty = false;
    try {
      this.#begin(batch.some(item => item.durable));
      faulty = true;
      for (const item of batch) {
        const settled = alone ? this.#runGuarded(item) : this.#runOne(item);
        settle.push(typeof settled === 'function' ? settled : await settled);
      }
      faulty = false;
      this.#connection.exec('COMMIT');
      return settle;
    } catch (error) {
      const usable = this.#rollback();
      // One item that cannot be written must not fail its neighbours: once more, each in a savepoint of its own.
      if (usable && faulty && !alone && !isPassing(error)) return this.#transaction(batch, true);
      for (const item of batch) item.reject(error);
      return null;
    }
  }

  #begin(durable: boolean): void {
    if (this.#stale) {
      if (this.#connection.database.isTransaction) this.#connection.exec('ROLLBACK');
      this.#hooks.undone();
      this.#stale = false;
    }
    if (durable !== this.#full) {
      this.#connection.exec(durable ? 'PRAGMA synchronous = FULL' : 'PRAGMA synchronous = NORMAL');
      this.#full = durable;
    }
    this.#connection.exec('BEGIN IMMEDIATE');
  }

  /** Gives what to call once the transaction is durable. */
  #runOne(item: Item<unknown>): (() => void) | Promise<() => void> {
    if (item.savepoint) return this.#runGuarded(item);
    const value = item.work();
    if (value instanceof Promise) return value.then(result => () => item.resolve(result));
    return () => item.resolve(value);
  }

  async #runGuarded(item: Item<unknown>): Promise<() => void> {
    const mark = this.#hooks.mark();
    this.#connection.exec('SAVEPOINT item');
    try {
      const value = await item.work();
      this.#connection.exec('RELEASE item');
      return () => item.resolve(value);
    } catch (error) {
      // A full disk ends the whole transaction; anything else is this item's own.
      if (isPassing(error)) throw error;
      this.#connection.exec('ROLLBACK TO item; RELEASE item');
      this.#hooks.backTo(mark);
      return () => item.reject(error);
    }
  }

  /** False when the database cannot even be read now; then the next transaction begins with what is left to do here. */
  #rollback(): boolean {
    this.#stale = true;
    try {
      if (this.#connection.database.isTransaction) this.#connection.exec('ROLLBACK');
      this.#hooks.undone();
      this.#stale = false;
    } catch {
      // The error that led here is the one to tell.
    }
    return !this.#stale;
  }
}
