import type { Duplex } from 'node:stream';
import pg from 'pg';
import { CoaxError } from '../../../errors/coax-error.ts';
import { inTime, REAL_TIMERS } from '../../timers.ts';
import { fromPostgres } from '../postgres-error.ts';
import type { ServerAddress } from './server-address.ts';

const CONNECT_MS = 5000;
const CLOSE_MS = 2000;

export type SqlValue = string | number | boolean | Buffer | null;

export interface LinkOptions {
  readonly servers: readonly ServerAddress[];
  readonly application: string;
  /** The schema of all tables; null = where the user's search path leads. */
  readonly schema: string | null;
  /** A statement without an answer for so long means that the connection is dead. */
  readonly answerMs: number;
  /** For the hot path: always the plan by index, on the first message and on the hundred millionth. */
  readonly byIndex: boolean;
  /** Hears that a connection that was just made gives no answer: others may have died with it. */
  readonly silent?: () => void;
}

/** One connection. Statements that are sent at the same time go out together and are answered in order (a pipeline). */
export class Link {
  readonly where: string;
  readonly client: pg.Client;
  pid = 0;
  /** Tells one life of the database server from the next: a restart, a promotion, a recovery after a process that crashed. */
  incarnation = '';
  /** Milliseconds since 1970 by the database's clock, as it was asked for at connecting. */
  clock = 0;
  broken = false;
  readonly #ends: (() => void)[] = [];
  #unanswered = 0;
  /** Since when it waits for the next answer. */
  #waitsSince = 0;
  #gathers = false;

  constructor(server: ServerAddress, options: LinkOptions) {
    this.where = server.where;
    this.client = new pg.Client({
      connectionString: server.url,
      application_name: options.application,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: options.answerMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      pipeline: true,
      types: { getTypeParser: oid => parserOf(oid) },
    } as pg.ClientConfig);
    const end = (): void => this.#end();
    this.client.on('error', end);
    this.client.on('end', end);
  }

  #end(): void {
    if (this.broken) return;
    this.broken = true;
    for (const call of this.#ends) call();
  }

  onEnd(call: () => void): void {
    if (this.broken) call();
    else this.#ends.push(call);
  }

  /** Runs a prepared statement: the same text is parsed once for each connection. */
  async run<Row>(sql: string, values: readonly SqlValue[] = []): Promise<Row[]> {
    return (await this.prepared(sql, values)).rows as Row[];
  }

  /** The same with all that is known of its result. Texts that come in very many forms are parsed anew each time. */
  prepared(sql: string, values: readonly unknown[]): Promise<pg.QueryResult> {
    const name = nameOf(sql);
    const text = { text: sql, values: values as unknown[] };
    this.#gather();
    return this.#answered(this.client.query(name === undefined ? text : { name, ...text }));
  }

  /** Runs a statement that may never come again. */
  once(sql: string, values: readonly unknown[] = []): Promise<pg.QueryResult> {
    this.#gather();
    return this.#answered(this.client.query(sql, values as unknown[]));
  }

  /** What is sent in this turn goes out in one write: each of its own costs as much as the rest of a statement, and wakes the server. */
  #gather(): void {
    if (this.#gathers || this.broken) return;
    this.#gathers = true;
    const stream = this.#stream;
    stream.cork();
    process.nextTick(() => {
      this.#gathers = false;
      stream.uncork();
    });
  }

  async #answered<T>(answer: Promise<T>): Promise<T> {
    if (this.#unanswered++ === 0) this.#waitsSince = performance.now();
    try {
      return await answer;
    } catch (error) {
      // What comes next would wait behind it.
      if (error instanceof Error && error.message === ANSWER_TOO_LATE) this.destroy();
      throw error;
    } finally {
      this.#unanswered -= 1;
      this.#waitsSince = performance.now();
    }
  }

  /** Has it waited for so long without any answer? A long statement looks the same. */
  isSilent(ms: number): boolean {
    return this.#unanswered > 0 && performance.now() - this.#waitsSince > ms;
  }

  /**
   * Waits until all that can be read now is as durable as what is written: a commit whose wait for the synchronous standby
   * was broken off shows at the primary all the same.
   */
  async settle(): Promise<void> {
    await this.once(`SELECT pg_logical_emit_message(true, 'coax', '')`);
  }

  /** Ends the connection without waiting for anything under way. */
  destroy(): void {
    this.#end();
    this.#hangUp();
  }

  #hangUp(): void {
    this.#stream.destroy();
  }

  /** Its socket; another one from before to after TLS was agreed on. */
  get #stream(): Duplex {
    return (this.client as unknown as { connection: { stream: Duplex } }).connection.stream;
  }

  async close(): Promise<void> {
    if (this.broken) return;
    this.#end();
    // The other end may be gone without a sign.
    const late = setTimeout(() => this.#hangUp(), CLOSE_MS);
    await this.client.end().catch(() => {});
    clearTimeout(late);
  }
}

/** What `pg` says when its query_timeout is over. */
const ANSWER_TOO_LATE = 'Query read timeout';

/** Each connection keeps a plan for each name. */
const NAMES_MAX = 500;
const NAMES = new Map<string, string>();
function nameOf(sql: string): string | undefined {
  let name = NAMES.get(sql);
  if (name === undefined && NAMES.size < NAMES_MAX) {
    name = `coax${NAMES.size}`;
    NAMES.set(sql, name);
  }
  return name;
}

const asNumber = (text: string): unknown => Number(text);
const asBoolean = (text: string): unknown => text === 't';
const asText = (text: string): unknown => text;

/** Every number as a JavaScript number: msgids and milliseconds are safe integers. */
function parserOf(oid: number): (text: string) => unknown {
  switch (oid) {
    case 20: // bigint
    case 21: // smallint
    case 23: // integer
    case 26: // oid
    case 700: // real
    case 701: // double precision
    case 1700: // numeric: sums of bigint
      return asNumber;
    case 16: // boolean
      return asBoolean;
    default:
      return asText;
  }
}

/**
 * Connects to the first server that takes writes. Errors: COAX_STORE_UNAVAILABLE, which names every server that was tried.
 */
export async function openLink(options: LinkOptions): Promise<Link> {
  const errors: CoaxError[] = [];
  for (const server of options.servers) {
    const link = new Link(server, options);
    try {
      await link.client.connect();
      if (await prepareInTime(link, options)) return link;
      errors.push(fromPostgres({ code: '25006' }, server.where));
    } catch (error) {
      errors.push(fromPostgres(error, server.where));
    }
    link.destroy();
  }
  const [first] = errors;
  if (errors.length === 1 && first !== undefined) throw first;
  throw new CoaxError(
    'COAX_STORE_UNAVAILABLE',
    `no PostgreSQL server can be used: ${errors.map(({ where, reason }) => `${where}: ${reason}`).join('; ')}`,
    {
      ...(first?.where !== undefined && { where: first.where }),
      ...(first !== undefined && { hint: first.hint }),
    },
  );
}

/** It has as long to begin its session as to connect: it may die without a sign in between. */
function prepareInTime(link: Link, options: LinkOptions): Promise<boolean> {
  return inTime(REAL_TIMERS, CONNECT_MS, prepare(link, options), () => {
    link.destroy();
    options.silent?.();
    return new Error(`Connection terminated: its session had not begun after ${CONNECT_MS} ms`);
  });
}

/** Settings of the session; false on a standby. */
async function prepare(link: Link, options: LinkOptions): Promise<boolean> {
  const settings: [string, string][] = [
    ['jit', 'off'],
    // A server that vanishes with its machine must not hold its locks for hours.
    ['idle_in_transaction_session_timeout', '60s'],
    ['tcp_keepalives_idle', '10'],
    ['tcp_keepalives_interval', '5'],
    ['tcp_keepalives_count', '3'],
  ];
  if (options.schema !== null) settings.push(['search_path', `"${options.schema.replaceAll('"', '""')}"`]);
  if (options.byIndex) {
    for (const name of ['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin'])
      settings.push([name, 'off']);
    settings.push(['plan_cache_mode', 'force_generic_plan']);
  }
  const [, answer] = await Promise.all([
    link.once(
      `SELECT ${settings.map((_, i) => `set_config($${2 * i + 1}, $${2 * i + 2}, false)`).join(', ')}`,
      settings.flat(),
    ),
    link.once(`SELECT pg_is_in_recovery() AS standby, pg_backend_pid() AS pid, ${CLOCK_MS} AS clock,
      pg_postmaster_start_time()::text || ' ' || (SELECT coalesce(stats_reset::text, '') FROM pg_stat_bgwriter) || CASE WHEN pg_is_in_recovery() THEN ''
        ELSE ' ' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS incarnation`),
  ]);
  const row = answer.rows[0] as { standby: boolean; pid: number; clock: number; incarnation: string };
  // Every time that this process writes comes from it.
  if (!Number.isFinite(row?.clock)) throw new Error('Connection terminated: it answers what was not asked');
  link.pid = row.pid;
  link.clock = row.clock;
  link.incarnation = row.incarnation;
  return !row.standby;
}

/** The database's clock, milliseconds since 1970, in SQL. */
export const CLOCK_MS = 'floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint';
