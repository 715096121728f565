import { randomInt } from 'node:crypto';
import type { CoaxError } from '../../errors/coax-error.ts';
import type { Message } from '../../message/message.ts';
import { Turns } from '../projects/turns.ts';
import { type MessageRow, toMessage } from '../rows.ts';
import type { Timers } from '../timers.ts';
import { DbClock } from './db-clock.ts';
import { type Link, type LinkOptions, openLink } from './link/link.ts';
import { Pool, SharedLink } from './link/pool.ts';
import type { Notes } from './notes.ts';
import { PlanBook } from './plan-book.ts';
import { fromPostgres, remedyOf } from './postgres-error.ts';

/** Statements of the hot path are done in milliseconds; others may count millions of rows. */
const ANSWER_MS = { hot: 30_000, shared: 60_000, exclusive: 60_000, reader: 300_000 };
/** Those whose statements always take the plan by index. */
const BY_INDEX: readonly LinkKind[] = ['hot', 'shared'];
/** A look at an idle connection is answered within so long, or it is dead. */
const LOOK_ANSWER_MS = 5000;
/** A connection that waits so long for an answer is ended when another was found dead. */
const SILENT_MS = 5000;
const LANES = 4;
const READERS = 4;
const SHARED = 2;
const EXCLUSIVE = 1;
/** How long a write is tried again before its caller hears that the store is unavailable. */
const PATIENCE_MS = 10_000;
const PAUSE_MAX_MS = 500;
/** Claims of one process that have tags of their own. */
const TAGS = 2 ** 20;

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
  readonly turns = new Turns();
  readonly lanes: Pool;
  /** For transactions that run beside each other, and for those that run alone. */
  readonly shared: Pool;
  readonly exclusive: Pool;
  readonly readers: Pool;
  /** Claims, leases and notices. */
  readonly leases: SharedLink;
  readonly #links = new Set<Link>();
  #options: Omit<LinkOptions, 'answerMs' | 'byIndex'>;
  #closed = false;
  #tags = 0;

  constructor(options: Omit<LinkOptions, 'answerMs' | 'byIndex'>, timers: Timers) {
    this.#options = options;
    this.timers = timers;
    this.clock = new DbClock(timers);
    this.where = options.servers.map(({ where }) => where).join(', ');
    this.lanes = new Pool(LANES, () => this.connect('hot'));
    this.shared = new Pool(SHARED, () => this.connect('shared'));
    this.exclusive = new Pool(EXCLUSIVE, () => this.connect('exclusive'));
    this.readers = new Pool(READERS, () => this.connect('reader'));
    this.leases = new SharedLink(() => this.connect('hot'));
  }

  /** A number by which a claim is found again whose answer is lost. */
  nextTag(): number {
    return this.origin * TAGS + (this.#tags++ % TAGS);
  }

  /** One more connection. */
  async connect(kind: LinkKind): Promise<Link> {
    const link = await openLink({
      ...this.#options,
      answerMs: ANSWER_MS[kind],
      byIndex: BY_INDEX.includes(kind),
      silent: () => this.#suspect(),
    });
    this.clock.heard(link.clock);
    this.#links.add(link);
    link.onEnd(() => this.#links.delete(link));
    // The next connection begins where this one was made: a host that is gone answers only after seconds.
    const { servers } = this.#options;
    if (servers[0]?.where !== link.where) {
      const first = servers.filter(({ where }) => where === link.where);
      this.#options = {
        ...this.#options,
        servers: [...first, ...servers.filter(each => !first.includes(each))],
      };
    }
    return link;
  }

  /** Does what shows that a connection lives; ends it when no answer comes, since it died without a sign. */
  async look<T>(link: Link, ask: () => Promise<T>): Promise<T> {
    const stop = this.timers.after(
      LOOK_ANSWER_MS,
      () => {
        link.destroy();
        this.#suspect();
      },
      true,
    );
    try {
      return await ask();
    } finally {
      stop();
    }
  }

  /** A connection has died without a sign, and others have mostly died with it: those that give no answer are ended. */
  #suspect(): void {
    for (const pool of [this.lanes, this.shared, this.exclusive, this.readers]) pool.dropIdle();
    const look = (): void => {
      for (const link of this.#links) if (link.isSilent(SILENT_MS)) link.destroy();
    };
    look();
    void this.leases
      .get()
      .then(link => link.once('SELECT 1'))
      .catch(() => {});
    this.timers.after(SILENT_MS + 1, look, true);
  }

  /** Rows as messages, with their plans read. */
  async messages(link: Link, rows: readonly MessageRow[]): Promise<Message[]> {
    await this.plans.load(link, rows);
    return rows.map(row => toMessage(row, this.plans.planOf));
  }

  /**
   * Does `work` until it is done; gives up after ten seconds and two tries. `unsure`: an earlier try ended with its
   * connection, so what it was to write may be there.
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
        const late = tries > 1 && this.timers.monotonic() >= until;
        if (remedy === 'none' || this.#closed || late) throw this.fault(error);
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
    this.#closed = true;
    await Promise.all([
      this.lanes.close(),
      this.shared.close(),
      this.exclusive.close(),
      this.readers.close(),
      this.leases.close(),
    ]);
  }
}

/** Who hears of what became durable. */
export type Tell = (notes: Notes) => void;
