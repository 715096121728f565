import type { Timers } from '../timers.ts';
import type { Connection } from './connection.ts';
import { isPassing } from './sqlite-error.ts';

/** Items of one transaction at most: bounds how long readers of the answers wait. */
const BATCH_MAX = 1024;

interface ItemOptions {
  readonly savepoint?: boolean;
  readonly durable?: boolean;
  readonly accepts?: number;
}

/** One thing to write. It stays one object from the line to the answer: a closure for each step of its way shows in the profile. */
class Item<T> {
  /** Runs inside the transaction. */
  readonly work: () => T | Promise<T>;
  /** True when the work may fail alone; a plain one never leaves half of its writes. */
  readonly savepoint: boolean;
  /** False when losing it in a power cut does no harm (leases): then the disk is not waited for. */
  readonly durable: boolean;
  /** Messages that it accepts, when it does nothing else and waits for nothing. */
  readonly accepts: number;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;
  #value: T | undefined;
  #error: unknown;
  #failed = false;

  constructor(
    work: () => T | Promise<T>,
    options: ItemOptions,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ) {
    this.work = work;
    this.savepoint = options.savepoint ?? false;
    this.durable = options.durable ?? true;
    this.accepts = options.accepts ?? 0;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  came(value: T): void {
    this.#value = value;
    this.#failed = false;
  }

  failed(error: unknown): void {
    this.#error = error;
    this.#failed = true;
  }

  /** Tells whoever waits. */
  answer(): void {
    if (this.#failed) this.#reject(this.#error);
    else this.#resolve(this.#value as T);
  }

  reject(error: unknown): void {
    this.#reject(error);
  }
}

/** What the queue's owner does at the turns of a transaction. */
export interface WriteQueueHooks {
  /** Before the transaction begins. `accepts`: messages that its only item accepts; 0 when anything else is done in it. */
  begins(accepts: number): void;
  /** The last moment to write into the transaction. */
  ending(): void;
  /** The transaction, of so many items, has ended, and no other has begun. Throws nothing: what was written is durable. */
  between(items: number): void;
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
  readonly held: number;
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

  /** Runs `work` in the next transaction; resolves when that is durable. */
  enqueue<T>(work: () => T | Promise<T>, options: ItemOptions = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push(new Item(work, options, resolve, reject) as Item<unknown>);
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
      if (!(await this.#transaction(batch))) return;
      this.#hooks.between(batch.length);
      try {
        this.#hooks.durable();
      } finally {
        for (const item of batch) item.answer();
      }
    } finally {
      this.#busy = false;
      if (this.#waiting.length > 0) this.#schedule();
      else for (const wake of this.#idle.splice(0)) wake();
    }
  }

  /** True when all is durable; false when nothing was written, and everybody was told. */
  async #transaction(batch: readonly Item<unknown>[], alone = false): Promise<boolean> {
    let faulty = false;
    // What is alone in its transaction needs no savepoint: the transaction is undone with it.
    const sole = batch.length === 1;
    try {
      this.#hooks.begins(sole ? batch[0]!.accepts : 0);
      this.#begin(batch.some(item => item.durable));
      faulty = true;
      for (const item of batch) {
        if (!sole && (alone || item.savepoint)) {
          await this.#runGuarded(item);
        } else {
          const value = item.work();
          item.came(value instanceof Promise ? await value : value);
        }
      }
      this.#hooks.ending();
      faulty = false;
      this.#connection.turn('COMMIT');
      return true;
    } catch (error) {
      const usable = this.#rollback();
      // One item that cannot be written must not fail its neighbours: once more, each in a savepoint of its own.
      if (usable && faulty && !alone && !sole && !isPassing(error)) return this.#transaction(batch, true);
      for (const item of batch) item.reject(error);
      return false;
    }
  }

  /**
   * Writes now, in a transaction of its own that the disk is not waited for. Not while another one is under way. What it throws, nothing
   * of it has happened.
   */
  aside(work: () => void): void {
    this.#begin(false);
    try {
      work();
      this.#connection.turn('COMMIT');
    } catch (error) {
      this.#stale = true;
      if (this.#connection.database.isTransaction) this.#connection.exec('ROLLBACK');
      this.#stale = false;
      throw error;
    }
  }

  #begin(durable: boolean): void {
    if (this.#stale) {
      if (this.#connection.database.isTransaction) this.#connection.exec('ROLLBACK');
      this.#hooks.undone();
      this.#stale = false;
    }
    if (durable !== this.#full && !this.#connection.isScratch) {
      this.#connection.exec(durable ? 'PRAGMA synchronous = FULL' : 'PRAGMA synchronous = NORMAL');
      this.#full = durable;
    }
    this.#connection.turn('BEGIN IMMEDIATE');
  }

  async #runGuarded(item: Item<unknown>): Promise<void> {
    const mark = this.#hooks.mark();
    this.#connection.exec('SAVEPOINT item');
    try {
      item.came(await item.work());
      this.#connection.exec('RELEASE item');
    } catch (error) {
      // A full disk ends the whole transaction; anything else is this item's own.
      if (isPassing(error)) throw error;
      this.#connection.exec('ROLLBACK TO item; RELEASE item');
      this.#hooks.backTo(mark);
      item.failed(error);
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
