import { extname } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { ToThread } from './thread-main.ts';

/** Pages of 4 KiB in the log from which on it is copied into the database. */
export const PAGES_MAX = 4_000;
/** With so many SQLite copies it at the end of a transaction: the thread does not keep up. */
const PAGES_LATE = 4 * PAGES_MAX;
/** So many pages are copied when nobody writes anything. */
const PAGES_IDLE = 500;
/** Things in one transaction, from which on the thread copies. */
export const MANY = 48;

/**
 * Copies the log into the database (https://sqlite.org/wal.html#ckpt). With 4,000 pages that is 20 ms of writing and of waiting for the
 * disk. Best it is done when nobody writes. Where transactions are of many things, all of these would wait for it: so a thread with a
 * connection of its own does it while they go on. What they add meanwhile their own connection copies between two transactions. Then
 * the log has nothing that the database lacks, and is written from its beginning again. Where they are of few things, one transaction
 * waits: the thread would make each of the next dozens wait for the disk. The thread is started when it is needed for the first time.
 */
export class Checkpoints {
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #count: StatementSync;
  readonly #copy: StatementSync;
  #thread: Worker | undefined;
  /** `none`: the log is short; `asked`: the thread copies; `told`: it has; `inline`: SQLite copies it. */
  #state: 'none' | 'asked' | 'told' | 'inline' = 'none';
  /** Things in the largest transaction since the log was copied. */
  #most = 0;

  /** `database`: the writers' connection to that file. */
  constructor(database: DatabaseSync, file: string) {
    this.#database = database;
    this.#file = file;
    this.#count = database.prepare('PRAGMA wal_checkpoint(NOOP)');
    this.#count.setReturnArrays(true);
    this.#copy = database.prepare('PRAGMA wal_checkpoint(PASSIVE)');
    if (knowsNoop(process.versions.sqlite)) database.exec(`PRAGMA wal_autocheckpoint = ${PAGES_LATE}`);
    else this.#inline();
  }

  /** To be called when a transaction of so many things has ended, and no other has begun. */
  between(things: number): void {
    if (things > this.#most) this.#most = things;
    this.#look(PAGES_MAX);
  }

  /** To be called now and then while nothing is written. */
  idle(): void {
    this.#most = 0;
    this.#look(PAGES_IDLE);
  }

  #look(pages: number): void {
    if (this.#state === 'asked' || this.#state === 'inline') return;
    try {
      if (this.#state === 'told') this.#copyHere();
      else if (this.#missing() < pages) return;
      else if (this.#most >= MANY) this.#ask();
      else this.#copyHere();
    } catch {
      // A full disk, or one that fails: everything is in the log, and the next transaction meets it too.
    }
  }

  /** Resolves when the thread has ended, its connection closed. */
  async close(): Promise<void> {
    const thread = this.#thread;
    this.#inline();
    if (thread === undefined) return;
    // Whoever waits for this is to have the answer, even when nothing else keeps the process.
    thread.ref();
    const ended = new Promise(resolve => thread.once('exit', resolve));
    thread.postMessage('end' satisfies ToThread);
    await ended;
  }

  /** Ends the thread as the end of the process would. */
  abandon(): void {
    void this.#thread?.terminate();
    this.#inline();
  }

  /** Pages of the log that the database lacks. */
  #missing(): number {
    const [, pages, copied] = this.#count.get() as unknown as [number, number, number];
    return pages - copied;
  }

  #copyHere(): void {
    this.#state = 'none';
    this.#most = 0;
    this.#copy.get();
  }

  #ask(): void {
    this.#thread ??= this.#start();
    this.#thread.postMessage('copy' satisfies ToThread);
    this.#state = 'asked';
  }

  #start(): Worker {
    const main = new URL(`./thread-main${extname(import.meta.url)}`, import.meta.url);
    const thread = new Worker(fileURLToPath(main), {
      name: 'checkpoints',
      workerData: this.#file,
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
    });
    thread.on('message', () => {
      if (this.#state === 'asked') this.#state = 'told';
    });
    // If it cannot be had, the writers do without.
    thread.on('error', () => this.#inline());
    thread.unref();
    return thread;
  }

  /** From here on SQLite copies the log at the end of the transaction that makes it long. */
  #inline(): void {
    this.#thread = undefined;
    this.#state = 'inline';
    if (this.#database.isOpen) this.#database.exec(`PRAGMA wal_autocheckpoint = ${PAGES_MAX}`);
  }
}

/** An older SQLite takes the word for a wish to copy at once. */
function knowsNoop(version = ''): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 3 || (major === 3 && minor >= 51);
}
