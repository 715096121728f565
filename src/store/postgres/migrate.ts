import { setTimeout as sleep } from 'node:timers/promises';
import { CoaxError } from '../../errors/coax-error.ts';
import type { Link } from './link/link.ts';
import { codeOf, remedyOf } from './postgres-error.ts';
import type { SchemaPart } from './schema.ts';

/** Messages of one partition of `commits`. */
export const PARTITION_MESSAGES = 1_000_000;
/** One lock for all that changes tables: "coax" in ASCII. */
export const MIGRATION_LOCK = 0x636f_6178;
/** Of the one that makes indexes ahead: "coax" and "i". */
const AHEAD_LOCK = 0x63_6f61_7869;
const AGAIN_MS = 200;
/** Less than PostgreSQL's `deadlock_timeout` (1 s), so that it is the migration that gives way, and nobody queues behind it for long. */
const TABLE_LOCK_MS = 500;
const LOCK_TIMEOUT = '55P03';
/** How often it is told that tables are not let go of. */
const TELL_MS = 10_000;

/**
 * Makes the tables that are missing. Any number of servers may do this at once; servers of the version before go on
 * working meanwhile: a table that somebody uses is asked for again and again (see "Explicit locking" in PostgreSQL's manual).
 * COAX_STORE_NEWER when the database has a migration that is not known here.
 */
export async function migrate(
  link: Link,
  schema: string | null,
  parts: readonly SchemaPart[],
  onMigrate?: (about: string) => void,
): Promise<void> {
  const missing = await missingParts(link, parts);
  if (missing.length > 0) onMigrate?.(`the database is brought up to date: ${missing.join(', ')}`);
  await indexAhead(link, parts);
  let done = new Set<string>();
  await locked(link, async () => {
    if (schema !== null) await link.once(`CREATE SCHEMA IF NOT EXISTS "${schema.replaceAll('"', '""')}"`);
    await link.once('CREATE TABLE IF NOT EXISTS migrations (id text PRIMARY KEY)');
    done = await refuseNewer(link, parts);
  });
  const undone = parts.filter(({ id }) => !done.has(id));
  // Of an empty database nobody uses a table yet.
  for (const some of done.size === 0 ? [undone] : undone.map(part => [part])) {
    let tellAt = performance.now() + TELL_MS;
    while (!(await migrated(link, some, parts))) {
      if (performance.now() > tellAt) {
        onMigrate?.(`the migration ${some[0]!.id} waits for a table that a long transaction uses`);
        tellAt = performance.now() + TELL_MS;
      }
      await sleep(AGAIN_MS * (0.5 + Math.random()));
    }
  }
  await locked(link, async () => {
    await addPartitions(link, 0, false);
  });
}

/** Runs those that nobody has run. False when somebody held a table of theirs: nothing was done. */
async function migrated(
  link: Link,
  some: readonly SchemaPart[],
  parts: readonly SchemaPart[],
): Promise<boolean> {
  try {
    await locked(link, async () => {
      const done = await refuseNewer(link, parts);
      await link.once(`SET LOCAL lock_timeout = ${TABLE_LOCK_MS}`);
      for (const { id, sql } of some) {
        if (done.has(id)) continue;
        for (const statement of sql) await link.once(statement);
        await link.once('INSERT INTO migrations VALUES ($1)', [id]);
      }
    });
    return true;
  } catch (error) {
    if (codeOf(error) === LOCK_TIMEOUT || remedyOf(error) === 'again') return false;
    throw error;
  }
}

/** Ids of the migrations that have run. COAX_STORE_NEWER when one of them is not known here. */
async function refuseNewer(link: Link, parts: readonly SchemaPart[]): Promise<Set<string>> {
  const done = await doneParts(link);
  const known = new Set(parts.map(({ id }) => id));
  const unknown = [...done].find(id => !known.has(id));
  if (unknown !== undefined)
    throw new CoaxError(
      'COAX_STORE_NEWER',
      `the database has the migration ${unknown}, which this Coax does not know`,
      { where: link.where },
    );
  return done;
}

async function doneParts(link: Link): Promise<Set<string>> {
  const { rows } = await link.once('SELECT id FROM migrations');
  return new Set((rows as { id: string }[]).map(({ id }) => id));
}

/**
 * Makes the indexes of `commits` that migrations will ask for, partition by partition and without a lock that keeps writers
 * waiting, however much has been written: the migration then finds them made. What an attempt that was broken off left is made anew.
 */
async function indexAhead(link: Link, parts: readonly SchemaPart[]): Promise<void> {
  if ((await missingAhead(link, parts)).length === 0) return;
  // Whoever waits in a statement would be waited for by the one that makes the index.
  while (!(await answer<boolean>(link, 'SELECT pg_try_advisory_lock($1)', [AHEAD_LOCK])))
    await sleep(AGAIN_MS);
  try {
    for (const { name, on } of await missingAhead(link, parts)) {
      const { rows } = await link.once(
        `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'commits'::regclass`,
      );
      for (const partition of rows as { name: string }[]) await indexOne(link, partition.name, name, on);
    }
  } finally {
    if (!link.broken) await link.once('SELECT pg_advisory_unlock($1)', [AHEAD_LOCK]);
  }
}

/** Ids of the migrations that have not run, where some have. */
async function missingParts(link: Link, parts: readonly SchemaPart[]): Promise<string[]> {
  if (!(await answer<boolean>(link, `SELECT to_regclass('migrations') IS NOT NULL`))) return [];
  const done = await doneParts(link);
  return done.size === 0 ? [] : parts.flatMap(({ id }) => (done.has(id) ? [] : id));
}

/** Those of migrations that have not run, where there are commits. */
async function missingAhead(
  link: Link,
  parts: readonly SchemaPart[],
): Promise<NonNullable<SchemaPart['ahead']>[]> {
  const there = `SELECT to_regclass('migrations') IS NOT NULL AND to_regclass('commits') IS NOT NULL`;
  if (!(await answer<boolean>(link, there))) return [];
  const done = await doneParts(link);
  return parts.flatMap(({ id, ahead }) => (ahead === undefined || done.has(id) ? [] : ahead));
}

async function indexOne(link: Link, partition: string, index: string, on: string): Promise<void> {
  const name = `${partition}_${index}`;
  const valid = await answer<boolean>(
    link,
    'SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)',
    [name],
  );
  if (valid === true) return;
  if (valid === false) await link.once(`DROP INDEX CONCURRENTLY ${name}`);
  await link.once(`CREATE INDEX CONCURRENTLY ${name} ON ${partition} ${on}`);
}

/** The one value of the one row; undefined without a row. */
async function answer<T>(link: Link, sql: string, values: readonly unknown[] = []): Promise<T | undefined> {
  const { rows } = await link.once(sql, values);
  return Object.values((rows[0] ?? {}) as Record<string, T>)[0];
}

/** Makes the partition of that message and the one after it. Returns the first msgid that has none. */
export async function ensurePartitions(link: Link, msgid: number): Promise<number> {
  let end = 0;
  await locked(link, async () => {
    end = await addPartitions(link, msgid, true);
  });
  return end;
}

async function locked(link: Link, work: () => Promise<void>): Promise<void> {
  await link.once('BEGIN');
  try {
    await link.once('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await work();
    await link.once('COMMIT');
  } catch (error) {
    if (!link.broken) await link.once('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** `needed`: something is to be written there; else one that was detached with its commits is let be, and `fsck` tells of it. */
async function addPartitions(link: Link, msgid: number, needed: boolean): Promise<number> {
  const { rows } = await link.once(`SELECT last_value AS last FROM messages_msgid`);
  const newest = Math.max(msgid, (rows[0] as { last: number }).last);
  const first = Math.floor(newest / PARTITION_MESSAGES);
  for (const number of [first, first + 1]) {
    if (needed || (await stateOf(link, partitionName(number))) !== 'filled') await addPartition(link, number);
  }
  return (first + 2) * PARTITION_MESSAGES;
}

/**
 * Makes a partition, alone and then attached: that lets everybody else go on writing meanwhile. One that somebody detached is
 * attached again when it is empty. COAX_STORE_UNAVAILABLE when it holds commits: whether they belong there, a person knows.
 */
export async function addPartition(link: Link, number: number): Promise<void> {
  const name = partitionName(number);
  const state = await stateOf(link, name);
  if (state === 'attached') return;
  if (state === 'filled')
    throw new CoaxError(
      'COAX_STORE_UNAVAILABLE',
      `the table ${name} was detached from commits and not dropped`,
      {
        where: link.where,
        hint: `If it was detached by mistake: ALTER TABLE commits ATTACH PARTITION ${name} ${rangeOf(number)}; if all its messages are archived, drop it.`,
      },
    );
  if (state === 'missing') await link.once(`CREATE TABLE ${name} (LIKE commits INCLUDING DEFAULTS)`);
  await link.once(`ALTER TABLE commits ATTACH PARTITION ${name} ${rangeOf(number)}`);
}

function partitionName(number: number): string {
  return `commits_p${String(number).padStart(6, '0')}`;
}

function rangeOf(number: number): string {
  return `FOR VALUES FROM (${number * PARTITION_MESSAGES}) TO (${(number + 1) * PARTITION_MESSAGES})`;
}

type PartitionState = 'missing' | 'attached' | 'empty' | 'filled';

/** `empty` and `filled`: the table is there, and no partition of `commits`. */
async function stateOf(link: Link, name: string): Promise<PartitionState> {
  const { rows } = await link.once(
    'SELECT relispartition AS attached FROM pg_class WHERE oid = to_regclass($1)',
    [name],
  );
  const [row] = rows as { attached: boolean }[];
  if (row === undefined) return 'missing';
  if (row.attached) return 'attached';
  const { rows: filled } = await link.once(`SELECT EXISTS (SELECT 1 FROM ${name}) AS filled`);
  return (filled[0] as { filled: boolean }).filled ? 'filled' : 'empty';
}

/** The commit's message is in no partition yet. */
export function lacksPartition(error: unknown): boolean {
  return codeOf(error) === '23514';
}
