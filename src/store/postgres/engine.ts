import { randomInt } from 'node:crypto';
import type { CoaxError } from '../../errors/coax-error.ts';
import type { Message } from '../../message/message.ts';
import { type MessageRow, toMessage } from '../rows.ts';
import type { Timers } from '../timers.ts';
import { DbClock } from './db-clock.ts';
import { CLOCK_MS, type Link, type LinkOptions, openLink } from './link/link.ts';
import { Pool, SharedLink } from './link/pool.ts';
import type { Notes } from './notes.ts';
import { PlanBook } from './plan-book.ts';
import { fromPostgres, remedyOf } from './postgres-error.ts';

/** Statements of the hot path are done in milliseconds; others may count millions of rows. */
const ANSWER_MS = { hot: 30_000, exclusive: 60_000, reader: 300_000 };
const LANES = 4;
const READERS = 4;
const EXCLUSIVE = 2;
/** How long a write is tried again before its caller hears that the store is unavailable. */
const PATIENCE_MS = 10_000;
const PAUSE_MAX_MS = 500;

export type LinkKind = keyof typeof ANSWER_MS;

/** What the statements of one open store share: connections, clock, plans. */
export class Engine {
  readonly timers: Timers;
  readonly clock: DbClock;
  readonly plans = new PlanBook();
  /** Tells this process's commits and notices from those of others. */
  readonly origin = randomInt(1, 2 ** 31 - 1);
  /** host:port/database of the servers. */
  readonly where: string;
  readonly lanes: Pool;
  readonly exclusive: Pool;
  readonly readers: Pool;
  /** Claims, leases and notices: nobody waits for the disk here. */
  readonly leases: SharedLink;
  readonly #options: Omit<LinkOptions, 'answerMs' | 'byIndex'>;
  readonly #incarnations = new Set<string>();
  /** When the present life of the database server was first seen; what was written before may have begun. */
  #bornMs = 0;

  constructor(options: Omit<LinkOptions, 'answerMs' | 'byIndex'>, timers: Timers) {
    this.#options = options;
    this.timers = timers;
    this.clock = new DbClock(timers);
    this.where = options.servers.map(({ where }) => where).join(', ');
    this.lanes = new Pool(LANES, () => this.connect('hot'));
    this.exclusive = new Pool(EXCLUSIVE, () => this.connect('exclusive'));
    this.readers = new Pool(READERS, () => this.connect('reader'));
    this.leases = new SharedLink(() => this.connect('hot'));
  }

  /** A connection to the migrated database. */
  async connect(kind: LinkKind): Promise<Link> {
    const link = await this.connectBare(kind);
    try {
      await this.#greet(link);
      return link;
    } catch (error) {
      link.destroy();
      throw fromPostgres(error, link.where);
    }
  }

  /** A connection to a database that may have no tables yet. */
  async connectBare(kind: LinkKind): Promise<Link> {
    const link = await openLink({
      ...this.#options,
      answerMs: ANSWER_MS[kind],
      byIndex: kind === 'hot',
    });
    this.clock.heard(link.clock);
    return link;
  }

  async #greet(link: Link): Promise<void> {
    if (this.#incarnations.has(link.incarnation)) return;
    const [, rows] = await Promise.all([
      link.run(
        `INSERT INTO incarnations (name, seen) VALUES ($1, ${CLOCK_MS}) ON CONFLICT (name) DO NOTHING`,
        [link.incarnation],
      ),
      link.run<{ born: number }>('SELECT max(seen) AS born FROM incarnations'),
    ]);
    this.#bornMs = Math.max(this.#bornMs, rows[0]?.born ?? 0);
    this.#incarnations.add(link.incarnation);
  }

  /** Rows as messages, with their plans read. */
  async messages(link: Link, rows: readonly MessageRow[]): Promise<Message[]> {
    await this.plans.load(link, rows);
    return rows.map(row => {
      // A claim may have been forgotten with the database's last crash: then the step may have begun.
      const forgot = row.phase === 'open' && row.updated < this.#bornMs;
      return toMessage(forgot ? { ...row, begun: row.begun + 1 } : row, this.plans.planOf);
    });
  }

  /**
   * Does `work` until it is done, gives up after ten seconds. `unsure`: an earlier try ended with its connection, so what
   * it was to write may be there.
   */
  async persist<T>(pool: Pool, work: (link: Link, unsure: boolean) => Promise<T>): Promise<T> {
    const until = this.timers.monotonic() + PATIENCE_MS;
    let unsure = false;
    for (let tries = 1; ; tries++) {
      try {
        return await pool.use(link => work(link, unsure));
      } catch (error) {
        const remedy = remedyOf(error);
        if (remedy === 'unsure') unsure = true;
        if (remedy === 'none' || this.timers.monotonic() >= until) throw this.fault(error);
        await this.pause(Math.min(PAUSE_MAX_MS, 2 ** Math.min(tries, 9)) * (0.5 + Math.random() / 2));
      }
    }
  }

  /** Reads; once more when the connection turns out to be dead. */
  async read<T>(work: (link: Link) => Promise<T>): Promise<T> {
    try {
      return await this.readers.use(work);
    } catch (error) {
      if (remedyOf(error) !== 'unsure') throw this.fault(error);
    }
    try {
      return await this.readers.use(work);
    } catch (error) {
      throw this.fault(error);
    }
  }

  fault(error: unknown): CoaxError {
    return fromPostgres(error, this.where);
  }

  pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      this.timers.after(ms, resolve);
    });
  }

  async close(): Promise<void> {
    await Promise.all([
      this.lanes.close(),
      this.exclusive.close(),
      this.readers.close(),
      this.leases.close(),
    ]);
  }
}

/** Who hears of what became durable. */
export type Tell = (notes: Notes) => void;
