import { invariant } from '../errors/coax-error.ts';
import type { StoreScan } from './store.ts';

export type RawValue = string | number | null;

/** A row as it lies in the database, its values in the order of the table's columns. */
export type RawRow = readonly RawValue[];

export interface RawColumn {
  readonly name: string;
  readonly type: 'integer' | 'real' | 'text';
}

/** A table as both engines have it; rows are read in the order of the key, texts by their bytes. */
export interface RawTable {
  readonly name: string;
  readonly columns: readonly RawColumn[];
  readonly key: readonly string[];
}

/** Numbers that were given out and are never given again. */
export interface RawCounters {
  readonly lastMsgid: number;
  readonly lastPos: number;
}

/**
 * All rows of a store that nobody uses, without regard to what they mean. Nothing that is written while it is open is seen.
 * Errors: COAX_STORE_LOCKED when somebody uses the store, COAX_STORE_UNAVAILABLE.
 */
export interface RawSource {
  /** Where it is, for people; without a password. */
  readonly where: string;
  readonly shared: boolean;
  migrations(): Promise<readonly string[]>;
  /** The core's tables and those of all other parts, by name. */
  tables(): Promise<readonly RawTable[]>;
  /** All rows in batches of bounded size. */
  rows(table: RawTable): AsyncIterable<readonly RawRow[]>;
  counters(): Promise<RawCounters>;
  /** What is there now, for fsck. */
  scan(): StoreScan;
  /** COAX_STORE_LOCKED when somebody wrote since it was opened. */
  assertUnchanged(): Promise<void>;
  close(): Promise<void>;
}

/** The same, to be filled. Nobody sees anything of it before `finish`; closed without that, it is as it was. */
export interface RawTarget extends RawSource {
  insert(table: RawTable, rows: readonly RawRow[]): Promise<void>;
  /** Takes all rows of a table away. */
  clear(table: RawTable): Promise<void>;
  /** After the last row: counters, and whatever the engine keeps beside the rows. */
  settle(counters: RawCounters): Promise<void>;
  /** Makes all of it durable and visible at once. */
  finish(): Promise<void>;
}

const integers = (...names: readonly string[]): RawColumn[] => names.map(name => ({ name, type: 'integer' }));
const texts = (...names: readonly string[]): RawColumn[] => names.map(name => ({ name, type: 'text' }));

/** The core's tables, as far as they are the same in both engines; what one derives for itself is not among them. */
export const CORE_TABLES: readonly RawTable[] = [
  { name: 'plans', key: ['hash'], columns: texts('hash', 'body') },
  {
    name: 'messages',
    key: ['msgid'],
    columns: [
      ...integers('msgid', 'cursor', 'attempt', 'rewind_to', 'floor', 'generation', 'seq', 'ready_at'),
      ...integers('lease_until', 'fence', 'begun', 'parent_msgid', 'parent_step', 'parent_branch'),
      ...integers('parent_generation', 'created', 'updated'),
      ...texts('flow', 'plan', 'mode', 'phase', 'cause', 'error', 'undo_error', 'base', 'trail', 'head'),
      ...texts('address', 'worker', 'ask', 'project', 'actor', 'labels', 'trace'),
    ],
  },
  {
    name: 'commits',
    key: ['pos'],
    columns: [...integers('pos', 'msgid', 'seq'), ...texts('id', 'body', 'snapshot')],
  },
  {
    name: 'idempotency',
    key: ['key'],
    columns: [...texts('key'), ...integers('msgid'), ...texts('request')],
  },
  {
    name: 'allocations',
    key: ['kind', 'key'],
    columns: [...texts('kind', 'key'), ...integers('msgid'), ...texts('detail'), ...integers('created')],
  },
  {
    name: 'quotas',
    key: ['project'],
    columns: [
      ...texts('project'),
      ...integers('vms', 'cpu_milli', 'mem_mib', 'addresses', 'messages_per_minute', 'queued'),
      ...integers('vms_used', 'cpu_milli_used', 'mem_mib_used', 'addresses_used', 'minute', 'messages'),
    ],
  },
  {
    name: 'archives',
    key: ['name'],
    columns: [
      ...texts('name', 'place'),
      ...integers('first_msgid', 'last_msgid', 'messages', 'commits', 'bytes'),
      ...texts('sha256', 'file_sha256', 'ids_sha256', 'ranges'),
      ...integers('created'),
    ],
  },
];

/** Names of the columns of one of the core's tables. */
export function columnsOf(name: 'messages' | 'allocations'): readonly string[] {
  const table = CORE_TABLES.find(core => core.name === name);
  invariant(table, `there is no table ${name}`);
  return table.columns.map(column => column.name);
}

/** A table of another part, from what the engine's catalogue says of its columns. */
export function rawTable(
  name: string,
  columns: readonly { readonly name: string; readonly type: string }[],
  key: readonly string[],
): RawTable {
  return {
    name,
    columns: columns.map(column => ({ name: column.name, type: typeOf(column.type) })),
    key: key.length > 0 ? key : columns.map(column => column.name),
  };
}

function typeOf(declared: string): RawColumn['type'] {
  if (/int/i.test(declared)) return 'integer';
  return /double|real|float/i.test(declared) ? 'real' : 'text';
}

const MESSAGES = CORE_TABLES.find(table => table.name === 'messages') as RawTable;
const at = (name: string): number => MESSAGES.columns.findIndex(column => column.name === name);
const LEASE = at('lease_until');
const FENCE = at('fence');
const BEGUN = at('begun');
const PHASE = at('phase');

/**
 * A message's row as another store takes it over: its lease is given back, and nobody who held it can write any more. A
 * claim need not have reached the disk, so whatever is under way may have begun: a cancel then undoes its step.
 */
export function takenOver(row: RawRow): RawRow {
  const held = row[LEASE] !== null;
  const unsure = row[PHASE] === 'open' && row[BEGUN] === 0;
  if (!held && !unsure) return row;
  const taken = [...row];
  taken[LEASE] = null;
  if (held) taken[FENCE] = Number(row[FENCE]) + 1;
  if (unsure) taken[BEGUN] = 1;
  return taken;
}

const BATCH_ROWS_MAX = 1000;
const BATCH_CHARACTERS = 4_000_000;

/** How many rows the next batch takes, so that one of large rows stays small. */
export function nextBatch(rows: readonly RawRow[], size: number): number {
  let characters = 0;
  for (const row of rows) for (const value of row) if (typeof value === 'string') characters += value.length;
  if (characters > BATCH_CHARACTERS) return Math.max(1, Math.floor(size / 4));
  return characters < BATCH_CHARACTERS / 4 ? Math.min(BATCH_ROWS_MAX, size * 2) : size;
}

/** Rows of a first batch: none may be known to be small. */
export const FIRST_BATCH = 16;
