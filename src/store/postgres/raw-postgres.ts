import { CoaxError } from '../../errors/coax-error.ts';
import { prefixNumber } from '../id-prefix.ts';
import {
  CORE_TABLES,
  FIRST_BATCH,
  nextBatch,
  type RawCounters,
  type RawRow,
  type RawSource,
  type RawTable,
  type RawTarget,
  type RawValue,
  rawTable,
} from '../raw-tables.ts';
import type { StoreScan } from '../store.ts';
import { bigintArray, textArray } from './link/binary-array.ts';
import { type Link, openLink } from './link/link.ts';
import { parseServers } from './link/server-address.ts';
import { addPartition, MIGRATION_LOCK, migrate, PARTITION_MESSAGES } from './migrate.ts';
import { fromPostgres } from './postgres-error.ts';
import { COMMITS_BY_BLOCK, CORE_SCHEMA, type SchemaPart } from './schema.ts';
import { openScan } from './statements/scan.ts';

/** What this engine derives for itself. */
const OWN_TABLES = ['migrations'];
const ANSWER_MS = 3_600_000;
const APPLICATION = 'coax copy';

/** A database that no server uses, to be read as it is now. Errors: COAX_STORE_LOCKED, COAX_STORE_UNAVAILABLE, COAX_USAGE. */
export async function openPostgresSource(url: string): Promise<RawSource> {
  const link = await connect(url);
  try {
    await assertUnused(link);
    const { rows } = await link.once(`SELECT to_regclass('migrations') IS NOT NULL AS found`);
    if (!(rows[0] as { found: boolean }).found)
      throw new CoaxError('COAX_STORE_UNAVAILABLE', 'Coax has no tables there', { where: link.where });
    await link.once('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    const source = new RawPostgres(link);
    await source.mark();
    return source;
  } catch (error) {
    await link.close();
    throw fromPostgres(error, link.where);
  }
}

/**
 * A database to be filled, in one transaction; its tables are made when they are missing. Errors: COAX_STORE_LOCKED,
 * COAX_STORE_UNAVAILABLE, COAX_STORE_NEWER, COAX_USAGE.
 */
export async function openPostgresTarget(url: string, schema: readonly SchemaPart[]): Promise<RawTarget> {
  const link = await connect(url);
  try {
    await assertUnused(link);
    await migrate(link, null, [...CORE_SCHEMA, ...schema]);
    await link.once('BEGIN');
    await link.once('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    return new RawPostgresTarget(link);
  } catch (error) {
    await link.close();
    throw fromPostgres(error, link.where);
  }
}

async function connect(url: string): Promise<Link> {
  const link = await openLink({
    servers: parseServers(url),
    application: APPLICATION,
    schema: null,
    answerMs: ANSWER_MS,
    byIndex: false,
  });
  await link.once(`SET idle_in_transaction_session_timeout = 0`);
  return link;
}

/** Servers show themselves by their connections. */
async function assertUnused(link: Link): Promise<void> {
  const { rows } = await link.once(
    `SELECT count(*) AS n FROM pg_stat_activity
     WHERE datname = current_database() AND application_name LIKE 'coax%' AND pid <> pg_backend_pid()`,
  );
  const { n } = rows[0] as { n: number };
  if (n === 0) return;
  throw new CoaxError('COAX_STORE_LOCKED', `Coax uses this database (${n} connections)`, {
    where: link.where,
    hint: 'End every server and worker of it first: `coax down`.',
  });
}

class RawPostgres implements RawSource {
  readonly where: string;
  readonly shared = true;
  readonly link: Link;
  #cursors = 0;
  #mark = '';

  constructor(link: Link) {
    this.link = link;
    this.where = link.where;
  }

  protected async all<Row>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    try {
      return (await this.link.once(sql, values)).rows as Row[];
    } catch (error) {
      throw fromPostgres(error, this.where);
    }
  }

  /** Sequences stand outside of transactions: they show what others do meanwhile. */
  async #sequences(): Promise<string> {
    return JSON.stringify(
      await this.all(
        'SELECT m.last_value AS msgid, m.is_called AS some, c.last_value AS pos FROM messages_msgid m, commits_pos c',
      ),
    );
  }

  async mark(): Promise<void> {
    this.#mark = await this.#sequences();
  }

  async migrations(): Promise<readonly string[]> {
    const rows = await this.all<{ id: string }>('SELECT id FROM migrations WHERE id <> $1', [
      COMMITS_BY_BLOCK,
    ]);
    return rows.map(({ id }) => id);
  }

  async tables(): Promise<readonly RawTable[]> {
    const others = await this.all<{ name: string; column: string; type: string; place: number | null }>(
      `SELECT c.relname AS name, a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type,
         array_position(i.indkey::int2[], a.attnum) AS place
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         AND a.attgenerated = ''
       LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
       WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
         AND NOT c.relname = ANY ($1)
       ORDER BY c.relname COLLATE "C", a.attnum`,
      [[...CORE_TABLES.map(({ name }) => name), ...OWN_TABLES]],
    );
    const names = [...new Set(others.map(({ name }) => name))];
    return [...CORE_TABLES, ...names.map(name => describe(name, others))];
  }

  async *rows({ name, columns, key }: RawTable): AsyncIterable<readonly RawRow[]> {
    const cursor = `coax_rows_${++this.#cursors}`;
    const types = new Map(columns.map(column => [column.name, column.type]));
    const order = key.map(part =>
      types.get(part) === 'text' ? `${quoted(part)} COLLATE "C"` : quoted(part),
    );
    await this.all(
      `DECLARE ${cursor} NO SCROLL CURSOR FOR
       SELECT ${columns.map(column => quoted(column.name)).join(', ')} FROM ${quoted(name)} ORDER BY ${order.join(', ')}`,
    );
    for (let size = FIRST_BATCH; ; ) {
      const { rows } = await this.link.client
        .query({ text: `FETCH ${size} FROM ${cursor}`, rowMode: 'array' })
        .catch(error => {
          throw fromPostgres(error, this.where);
        });
      if (rows.length === 0) break;
      yield rows as RawRow[];
      size = nextBatch(rows as RawRow[], size);
    }
    await this.all(`CLOSE ${cursor}`);
  }

  async counters(): Promise<RawCounters> {
    const [row] = await this.all<{ msgid: number; pos: number }>(
      `SELECT CASE WHEN m.is_called THEN m.last_value ELSE 0 END AS msgid,
         CASE WHEN c.is_called THEN c.last_value ELSE 0 END AS pos FROM messages_msgid m, commits_pos c`,
    );
    return { lastMsgid: row?.msgid ?? 0, lastPos: row?.pos ?? 0 };
  }

  scan(): StoreScan {
    return openScan({ read: work => work(this.link) });
  }

  async assertUnchanged(): Promise<void> {
    await assertUnused(this.link);
    if ((await this.#sequences()) !== this.#mark)
      throw new CoaxError('COAX_STORE_LOCKED', 'something was written there meanwhile', {
        where: this.where,
        hint: 'Nothing was kept. End every server and worker of it, then copy again.',
      });
  }

  async close(): Promise<void> {
    await this.link.close();
  }
}

function describe(
  name: string,
  rows: readonly { name: string; column: string; type: string; place: number | null }[],
): RawTable {
  const columns = rows.filter(row => row.name === name);
  const key = columns.filter(({ place }) => place !== null).sort((a, b) => Number(a.place) - Number(b.place));
  return rawTable(
    name,
    columns.map(({ column, type }) => ({ name: column, type })),
    key.map(({ column }) => column),
  );
}

class RawPostgresTarget extends RawPostgres implements RawTarget {
  readonly #partitions = new Set<number>();

  async insert(table: RawTable, rows: readonly RawRow[]): Promise<void> {
    try {
      if (table.name === 'commits') await this.#insertCommits(table, rows);
      else await this.#insert(table, rows, [], []);
    } catch (error) {
      throw fromPostgres(error, this.where);
    }
  }

  async clear(table: RawTable): Promise<void> {
    await this.all(`DELETE FROM ${quoted(table.name)}`);
  }

  async #insert(
    table: RawTable,
    rows: readonly RawRow[],
    more: readonly string[],
    values: readonly Buffer[],
  ): Promise<void> {
    const { columns } = table;
    const names = [...columns.map(({ name }) => quoted(name)), ...more];
    const arrays = [
      ...columns.map(({ type }) => (type === 'integer' ? 'bigint' : 'text')),
      ...more.map(() => 'bigint'),
    ];
    const picked = names.map((_, i) =>
      columns[i]?.type === 'real' ? `u.c${i}::double precision` : `u.c${i}`,
    );
    await this.link.run(
      `INSERT INTO ${quoted(table.name)} (${names.join(', ')}) SELECT ${picked.join(', ')}
       FROM unnest(${arrays.map((type, i) => `$${i + 1}::${type}[]`).join(', ')}) AS u (${names.map((_, i) => `c${i}`).join(', ')})`,
      [...columns.map((column, i) => arrayOf(column.type, rows, i)), ...values],
    );
  }

  async #insertCommits(table: RawTable, rows: readonly RawRow[]): Promise<void> {
    const [msgid, id] = ['msgid', 'id'].map(name => table.columns.findIndex(column => column.name === name));
    for (const row of rows) await this.#partition(Number(row[msgid as number]));
    // No server wrote them, so none takes them for its own.
    await this.#insert(
      table,
      rows,
      ['prefix', 'origin'],
      [bigintArray(rows.map(row => prefixNumber(String(row[id as number])))), bigintArray(rows.map(() => 0))],
    );
  }

  async #partition(msgid: number): Promise<void> {
    const number = Math.floor(msgid / PARTITION_MESSAGES);
    if (this.#partitions.has(number)) return;
    await addPartition(this.link, number);
    this.#partitions.add(number);
  }

  async settle({ lastMsgid, lastPos }: RawCounters): Promise<void> {
    if (lastMsgid > 0) await this.all(`SELECT setval('messages_msgid', $1)`, [lastMsgid]);
    if (lastPos > 0) await this.all(`SELECT setval('commits_pos', $1)`, [lastPos]);
    for (const next of [lastMsgid, lastMsgid + PARTITION_MESSAGES]) await this.#partition(next);
  }

  async finish(): Promise<void> {
    await this.all('COMMIT');
    await this.all('ANALYZE');
  }
}

function arrayOf(type: string, rows: readonly RawRow[], index: number): Buffer {
  const values = rows.map(row => row[index] as RawValue);
  if (type === 'integer') return bigintArray(values as (number | null)[]);
  return textArray(values.map(value => (value === null ? null : String(value))));
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
