import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
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
  rawTable,
} from '../raw-tables.ts';
import type { MessageRow } from '../rows.ts';
import type { StoreScan } from '../store.ts';
import { Connection } from './connection.ts';
import { lockFile } from './lock.ts';
import { migrate } from './open-sqlite.ts';
import { CORE_SCHEMA, OF_SQLITE, type SchemaPart } from './schema.ts';
import { showAccepted } from './statements/accepted.ts';
import { caughtUp } from './statements/catch-up.ts';
import { keepLastMsgid, LAST_MSGID } from './statements/last-msgid.ts';
import { openScan } from './statements/scan.ts';

/** What this engine derives for itself. */
const OWN_TABLES = new Set(['migrations', 'meta', 'commit_ids', 'msgid_gaps', 'accepted']);

/** A database file whose server does not run, to be read. Errors: COAX_STORE_LOCKED, COAX_STORE_UNAVAILABLE, COAX_STORE_CORRUPT. */
export function openSqliteSource(file: string): RawSource {
  if (!existsSync(file))
    throw new CoaxError('COAX_STORE_UNAVAILABLE', 'there is no database', {
      where: file,
      hint: 'Name the data directory of a server, or its coax.db.',
    });
  const lock = lockFile(`${file}.lock`);
  try {
    const connection = new Connection(file, true);
    showAccepted(connection);
    return new RawSqlite(file, connection, () => lock.release());
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * A database file to be filled. The rows go into a file beside it, which takes its name when all is done; what is left of
 * an attempt that ended early is removed by the next. Errors: COAX_STORE_LOCKED, COAX_STORE_NOT_EMPTY, COAX_STORE_UNAVAILABLE.
 */
export function openSqliteTarget(file: string, schema: readonly SchemaPart[]): RawTarget {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new CoaxError('COAX_STORE_UNAVAILABLE', 'the folder cannot be made', {
      where: dirname(file),
      cause,
    });
  }
  const lock = lockFile(`${file}.lock`);
  try {
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0)
      throw new CoaxError('COAX_STORE_NOT_EMPTY', 'there is a database already', { where: file });
    const making = `${file}.copying`;
    removeDatabase(making);
    const connection = new Connection(making, false);
    connection.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536');
    migrate(connection, [...CORE_SCHEMA, ...schema]);
    connection.exec('BEGIN');
    return new RawSqliteTarget(file, connection, () => lock.release());
  } catch (error) {
    lock.release();
    throw error;
  }
}

function removeDatabase(file: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${file}${suffix}`, { force: true });
}

class RawSqlite implements RawSource {
  readonly where: string;
  readonly shared = false;
  readonly connection: Connection;
  protected readonly release: () => void;

  constructor(file: string, connection: Connection, release: () => void) {
    this.where = file;
    this.connection = connection;
    this.release = release;
  }

  async migrations(): Promise<readonly string[]> {
    return this.connection
      .all<{ id: string }>('SELECT id FROM migrations')
      .map(({ id }) => id)
      .filter(id => !OF_SQLITE.has(id));
  }

  async tables(): Promise<readonly RawTable[]> {
    const core = new Set(CORE_TABLES.map(({ name }) => name));
    const names = this.connection
      .all<{ name: string }>(
        `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name`,
      )
      .filter(({ name }) => !core.has(name) && !OWN_TABLES.has(name));
    return [...CORE_TABLES, ...names.map(({ name }) => this.#describe(name))];
  }

  #describe(table: string): RawTable {
    const columns = this.connection.all<{ name: string; type: string; pk: number }>(
      'SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid',
      table,
    );
    const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
    return rawTable(
      table,
      columns,
      key.map(({ name }) => name),
    );
  }

  async *rows({ name, columns, key }: RawTable): AsyncIterable<readonly RawRow[]> {
    const list = columns.map(column => quoted(column.name)).join(', ');
    const order = key.map(quoted).join(', ');
    const statement = this.connection.guarded(() =>
      this.connection.database.prepare(`SELECT ${list} FROM ${quoted(name)} ORDER BY ${order}`),
    );
    statement.setReturnArrays(true);
    let batch: RawRow[] = [];
    let size = FIRST_BATCH;
    for (const row of statement.iterate()) {
      const values = row as unknown as RawRow;
      batch.push(name === 'messages' ? this.#caughtUp(columns, values) : values);
      if (batch.length < size) continue;
      yield batch;
      size = nextBatch(batch, size);
      batch = [];
      await new Promise(resolve => setImmediate(resolve));
    }
    if (batch.length > 0) yield batch;
  }

  #caughtUp(columns: RawTable['columns'], values: RawRow): RawRow {
    const row = Object.fromEntries(
      columns.map(({ name }, at) => [name, values[at]]),
    ) as unknown as MessageRow;
    const now = caughtUp(this.connection, row);
    return now === row ? values : columns.map(({ name }) => now[name as keyof MessageRow] as RawRow[number]);
  }

  async counters(): Promise<RawCounters> {
    const row = this.connection.get<{ msgid: number; pos: number }>(
      `SELECT ${LAST_MSGID} AS msgid,
         max((SELECT value FROM meta WHERE name = 'last_pos'), ifnull((SELECT max(pos) FROM commits), 0)) AS pos`,
    );
    return { lastMsgid: row?.msgid ?? 0, lastPos: row?.pos ?? 0 };
  }

  scan(): StoreScan {
    return openScan(this.connection);
  }

  async assertUnchanged(): Promise<void> {
    // The lock is held.
  }

  async close(): Promise<void> {
    this.connection.close();
    this.release();
  }
}

class RawSqliteTarget extends RawSqlite implements RawTarget {
  #finished = false;

  async insert(table: RawTable, rows: readonly RawRow[]): Promise<void> {
    const { connection } = this;
    const names = table.columns.map(({ name }) => quoted(name)).join(', ');
    const marks = table.columns.map(() => '?').join(', ');
    connection.guarded(() => {
      const insert = connection.prepare(`INSERT INTO ${quoted(table.name)} (${names}) VALUES (${marks})`);
      for (const row of rows) insert.run(...row);
      if (table.name === 'commits') this.#index(table, rows);
    });
  }

  async clear(table: RawTable): Promise<void> {
    this.connection.guarded(() => this.connection.exec(`DELETE FROM ${quoted(table.name)}`));
  }

  #index(table: RawTable, rows: readonly RawRow[]): void {
    const [pos, id] = ['pos', 'id'].map(name => table.columns.findIndex(column => column.name === name));
    const entries = rows.map(
      row => [prefixNumber(String(row[id as number])), Number(row[pos as number])] as const,
    );
    entries.sort((a, b) => a[0] - b[0]);
    const insert = this.connection.prepare('INSERT INTO commit_ids VALUES (?, ?)');
    for (const [prefix, at] of entries) insert.run(prefix, at);
  }

  async settle({ lastMsgid, lastPos }: RawCounters): Promise<void> {
    const { connection } = this;
    const set = `UPDATE meta SET value = ? WHERE name = ?`;
    connection.run(set, lastPos, 'last_pos');
    connection.run(set, lastPos, 'id_index_pos');
    keepLastMsgid(connection, lastMsgid);
    connection.run(
      `INSERT INTO msgid_gaps SELECT before + 1, msgid - 1 FROM (
         SELECT msgid, lag(msgid, 1, 0) OVER (ORDER BY msgid) AS before
         FROM (SELECT msgid FROM messages UNION ALL SELECT ?)) WHERE msgid > before + 1`,
      lastMsgid + 1,
    );
  }

  async finish(): Promise<void> {
    const { connection, where } = this;
    connection.exec('COMMIT');
    connection.close();
    sync(connection.file);
    // A log that an empty database left behind is none of the new one's.
    removeDatabase(where);
    renameSync(connection.file, where);
    sync(dirname(where));
    this.#finished = true;
  }

  override async close(): Promise<void> {
    if (this.#finished) this.release();
    else {
      await super.close();
      removeDatabase(this.connection.file);
    }
  }
}

function sync(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
