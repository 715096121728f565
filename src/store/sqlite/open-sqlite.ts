import { hash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { CoaxError } from '../../errors/coax-error.ts';
import type { StoreScan } from '../store.ts';
import { REAL_TIMERS, type Timers } from '../timers.ts';
import { StoreClock } from './clock.ts';
import { Connection, type Probe } from './connection.ts';
import { crashPoint } from './crash-point.ts';
import { Engine } from './engine.ts';
import { lockFile } from './lock.ts';
import { CORE_SCHEMA, type SchemaPart } from './schema.ts';
import { fromSqlite } from './sqlite-error.ts';
import { SqliteStore } from './sqlite-store.ts';
import { settleAccepted, showAccepted } from './statements/accepted.ts';
import { catchUpAll } from './statements/catch-up.ts';
import { releaseAll } from './statements/claim.ts';
import { openScan } from './statements/scan.ts';

export interface SqliteOptions {
  /** Path of the database file; its folder is made when missing. */
  readonly file: string;
  /** Tables of other parts, made after the core's. */
  readonly schema?: readonly SchemaPart[];
  /** Wall clock, for tests. */
  readonly wall?: () => number;
  readonly timers?: Timers;
  /** Tells one boot of the machine from the next, for tests. */
  readonly bootId?: string;
  readonly probe?: Probe;
  /** True where the database goes with its process: nothing waits for the disk, and a loss of power may leave a broken file. */
  readonly scratch?: boolean;
  /** Hears, before it begins, that a database of an older version is changed: that takes long where there is much in it. */
  readonly onMigrate?: (about: string) => void;
}

/**
 * Opens the embedded store: takes the directory's lock, migrates, and gives back every lease, since nobody who held one
 * lives. Errors: COAX_STORE_LOCKED, COAX_STORE_UNAVAILABLE, COAX_STORE_CORRUPT, COAX_STORE_NEWER.
 */
export function openSqlite(options: SqliteOptions): SqliteStore {
  const { file } = options;
  const timers = options.timers ?? REAL_TIMERS;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new CoaxError('COAX_STORE_UNAVAILABLE', 'the data directory cannot be made', {
      where: dirname(file),
      cause,
    });
  }
  const lock = lockFile(`${file}.lock`);
  let writer: Connection | undefined;
  let reader: Connection | undefined;
  try {
    writer = new Connection(file, false);
    writer.isScratch = options.scratch ?? false;
    prepare(writer);
    migrate(writer, [...CORE_SCHEMA, ...(options.schema ?? [])], options.onMigrate);
    writer.probe = options.probe ?? crashPoint(process.env.COAX_CRASH_AT);
    reader = new Connection(file, true);
    reader.exec('PRAGMA cache_size = -16384');
    writer.exec('BEGIN IMMEDIATE');
    settleAccepted(writer);
    catchUpAll(writer);
    writer.exec('COMMIT');
    const engine = new Engine(writer, reader, new StoreClock(timers, options.wall ?? Date.now));
    const now = engine.clock.now();
    afterClockWentBack(writer, now);
    releaseAll(engine);
    afterPowerLoss(writer, options.bootId ?? machineBoot());
    engine.ready = [];
    return new SqliteStore(engine, timers, () => lock.release());
  } catch (error) {
    reader?.close();
    writer?.close();
    lock.release();
    throw fromSqlite(error, file);
  }
}

/** A scan of a database file that no server uses, read-only. */
export function openSqliteScan(file: string): StoreScan & { close(): void } {
  const connection = new Connection(file, true);
  showAccepted(connection);
  return { ...openScan(connection), close: () => connection.close() };
}

function prepare(writer: Connection): void {
  // The cache bounds the engine's memory, and a transaction that split a page walks all of it. The log is long at 4,000 pages (checkpoint/).
  const synchronous = writer.isScratch ? 'OFF' : 'FULL';
  writer.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA foreign_keys = ON;
    PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 4000; PRAGMA temp_store = MEMORY`);
}

/** Makes the tables that are missing. COAX_STORE_NEWER when there is a migration that is not known here. */
export function migrate(
  writer: Connection,
  parts: readonly SchemaPart[],
  onMigrate?: SqliteOptions['onMigrate'],
): void {
  writer.exec('CREATE TABLE IF NOT EXISTS migrations (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID');
  const done = new Set(writer.all<{ id: string }>('SELECT id FROM migrations').map(row => row.id));
  const known = new Set(parts.map(part => part.id));
  const unknown = [...done].filter(id => !known.has(id));
  if (unknown.length > 0) {
    throw new CoaxError(
      'COAX_STORE_NEWER',
      `the database has the migration ${unknown[0]}, which this Coax does not know`,
      {
        where: writer.file,
      },
    );
  }
  const missing = parts.filter(({ id }) => !done.has(id));
  if (done.size > 0 && missing.length > 0) {
    const mib = Math.ceil(statSync(writer.file).size / 1024 ** 2);
    onMigrate?.(`the database (${mib} MiB) is brought up to date: ${missing.map(({ id }) => id).join(', ')}`);
  }
  for (const part of missing) {
    writer.exec('BEGIN IMMEDIATE');
    for (const sql of part.sql) writer.exec(sql);
    writer.run('INSERT INTO migrations VALUES (?)', part.id);
    writer.exec('COMMIT');
  }
}

/**
 * Claims are not waited for to reach the disk, so a machine that went down may have forgotten some: whatever waits may
 * have begun, and a cancel must undo it. A process that was killed alone forgets nothing.
 */
function afterPowerLoss(writer: Connection, bootId: string): void {
  const boot = Number.parseInt(hash('sha256', bootId, 'hex').slice(0, 12), 16);
  const before = writer.get<{ value: number }>(`SELECT value FROM meta WHERE name = 'boot'`)?.value;
  if (before === boot) return;
  writer.exec('BEGIN IMMEDIATE');
  if (before !== undefined) writer.run(`UPDATE messages SET begun = 1 WHERE phase = 'open' AND begun = 0`);
  writer.run(
    `INSERT INTO meta VALUES ('boot', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    boot,
  );
  writer.exec('COMMIT');
}

function machineBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
  } catch {
    return 'unknown';
  }
}

/** When the wall clock is behind the newest commit it has gone back meanwhile: waits are moved by as much. */
function afterClockWentBack(writer: Connection, now: number): void {
  const newest = writer.get<{ updated: number | null }>(
    `SELECT max(updated) AS updated FROM messages WHERE msgid IN
       (SELECT msgid FROM commits ORDER BY pos DESC LIMIT 100)`,
  )?.updated;
  const behind = (newest ?? now) - now;
  if (behind <= 1000) return;
  writer.run(
    `UPDATE messages SET ready_at = max(ready_at - ?, 0) WHERE phase = 'open' AND ready_at > ?`,
    behind,
    now,
  );
}
