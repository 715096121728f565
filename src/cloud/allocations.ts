import { type RawBuilder, sql } from 'kysely';
import type { Selector } from '../message/carried/selector.ts';
import { DEFAULT_PROJECT } from '../message/limits.ts';
import type { Parameters } from '../message/message.ts';
import { type Slice, sliced } from '../store/slice.ts';
import type { Allocation } from '../store/store.ts';
import type { Tx } from '../store/tx.ts';
import { isOneOf, isPostgres, jsonRows } from './change-marks.ts';
import { holdsText, jsonText, ofMessagesWith } from './list-conditions.ts';
import { type AllocationRow, cloudTables } from './schema.ts';

/** Whose allocation it is: every one names the message and the step that made it. */
export interface Holder {
  readonly msgid: number;
  readonly step: number;
}

/** Writes an allocation. False, and nothing written, when that key is taken. */
export async function allocate(
  tx: Tx,
  kind: string,
  key: string,
  holder: Holder,
  detail: Parameters,
): Promise<boolean> {
  const written = await cloudTables(tx.db)
    .insertInto('allocations')
    .values({
      kind,
      key,
      msgid: holder.msgid,
      detail: JSON.stringify({ ...detail, step: holder.step }),
      created: tx.now,
    })
    .onConflict(conflict => conflict.columns(['kind', 'key']).doNothing())
    .executeTakeFirst();
  return Number(written.numInsertedOrUpdatedRows ?? 0) > 0;
}

/** An allocation that is to be written. */
export interface NewAllocation {
  readonly kind: string;
  readonly key: string;
  readonly holder: Holder;
  readonly detail: Parameters;
}

/** What a quota counts it as. */
export const countedOf = ({ kind, holder, detail }: NewAllocation) => ({ kind, msgid: holder.msgid, detail });

/**
 * Writes many with one statement. Those whose key is taken stay as they are; gives `kind key` of what was written.
 * `beside`: what the same statement writes of them, which it finds as the rows `made`; with PostgreSQL only.
 */
export async function allocateAll(
  tx: Tx,
  wanted: readonly NewAllocation[],
  beside?: RawBuilder<unknown>,
): Promise<ReadonlySet<string>> {
  if (wanted.length === 0) return new Set();
  const insert = inserting(tx, wanted, sql`true`);
  const whole = sql<{ kind: string; key: string }>`
    WITH made AS (${insert}), beside AS (${beside}) SELECT kind, key FROM made`;
  const { rows: made } = await (beside === undefined ? insert : whole).execute(tx.db);
  return new Set(made.map(({ kind, key }) => `${kind} ${key}`));
}

/** The statement that writes those of many for which `which` holds, of the rows `value`, whose fifth member is the host if one is given. */
export function inserting(
  tx: Tx,
  wanted: readonly (NewAllocation & { readonly host?: string })[],
  which: RawBuilder<unknown>,
): RawBuilder<{ kind: string; key: string }> {
  // Always in the same order, so that two transactions do not wait for each other's keys.
  const rows = wanted
    .map(({ kind, key, holder, detail, host }) => [
      kind,
      key,
      holder.msgid,
      JSON.stringify({ ...detail, step: holder.step }),
      host,
    ])
    .sort(([aKind, aKey], [bKind, bKey]) => order(`${aKind} ${aKey}`, `${bKind} ${bKey}`));
  return sql`
    INSERT INTO allocations (kind, key, msgid, detail, created)
    SELECT value ->> 0, value ->> 1, CAST(value ->> 2 AS bigint), value ->> 3, CAST(${tx.now} AS bigint)
    FROM ${jsonRows(tx.db, rows)} WHERE ${which}
    ON CONFLICT (kind, key) DO NOTHING RETURNING kind, key`;
}

const order = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** Those allocations, by their key; nobody else changes them before the transaction ends. */
export async function lockAll(
  tx: Tx,
  kind: string,
  keys: readonly string[],
): Promise<ReadonlyMap<string, Allocation>> {
  // In the order of their keys, so that two transactions do not wait for each other. SQLite has but one.
  const lock = isPostgres(tx.db) ? sql`FOR UPDATE` : sql``;
  const { rows } = await sql<AllocationRow>`
    SELECT kind, key, msgid, detail, created FROM allocations
    WHERE kind = ${kind} AND key ${isOneOf(tx.db, keys)} ORDER BY key ${lock}`.execute(tx.db);
  return new Map(rows.map(row => [row.key, allocationOf(row)]));
}

/** Which of those keys are taken, as far as one can see now. */
export async function takenKeys(tx: Tx, kind: string, keys: readonly string[]): Promise<Set<string>> {
  if (keys.length === 0) return new Set();
  const { rows } = await sql<{ key: string }>`
    SELECT key FROM allocations WHERE kind = ${kind} AND key ${isOneOf(tx.db, keys)}`.execute(tx.db);
  return new Set(rows.map(({ key }) => key));
}

/** Changes many with one statement; the caller has locked them. */
export async function changeAll(
  tx: Tx,
  kind: string,
  details: readonly (readonly [key: string, detail: Parameters])[],
): Promise<void> {
  if (details.length === 0) return;
  const rows = details.map(([key, detail]) => [key, JSON.stringify(detail)]);
  await sql`
    UPDATE allocations SET detail = c.detail
    FROM (SELECT value ->> 0 AS key, value ->> 1 AS detail FROM ${jsonRows(tx.db, rows)}) AS c
    WHERE allocations.kind = ${kind} AND allocations.key = c.key
      AND allocations.key ${isOneOf(
        tx.db,
        details.map(([key]) => key),
      )}`.execute(tx.db);
}

/** Takes out what that step of that message holds of one kind, and tells what it was; none when it holds none. */
export async function takeOut(tx: Tx, kind: string, holder: Holder): Promise<Allocation[]> {
  const held = await ofMessage(tx, kind, holder.msgid);
  const mine = held.filter(({ detail }) => detail.step === holder.step);
  for (const { key } of mine) {
    await cloudTables(tx.db)
      .deleteFrom('allocations')
      .where('kind', '=', kind)
      .where('key', '=', key)
      .execute();
  }
  return mine;
}

export async function ofMessage(tx: Tx, kind: string, msgid: number): Promise<Allocation[]> {
  const rows = await cloudTables(tx.db)
    .selectFrom('allocations')
    .selectAll()
    .where('msgid', '=', msgid)
    .where('kind', '=', kind)
    .orderBy('key')
    .execute();
  return rows.map(allocationOf);
}

export async function allocationAt(
  tx: Pick<Tx, 'db'>,
  kind: string,
  key: string,
): Promise<Allocation | null> {
  const row = await cloudTables(tx.db)
    .selectFrom('allocations')
    .selectAll()
    .where('kind', '=', kind)
    .where('key', '=', key)
    .executeTakeFirst();
  return row ? allocationOf(row) : null;
}

/** An allocation with the project of its message. */
export interface Owned extends Allocation {
  readonly project: string;
}

/** Which allocations of a kind are wanted; all where nothing is said. */
export interface OwnedQuery extends Slice {
  readonly projects?: readonly string[] | undefined;
  /** Labels of the message. */
  readonly selector?: Selector | undefined;
  /** Part of the key, the host or the address. */
  readonly find?: string | undefined;
}

/** Allocations of one kind, by key, with whose they are. A missing message hides nothing. */
export async function ownedAllocations(
  { db }: Pick<Tx, 'db'>,
  kind: string,
  { projects, selector = [], find = '', ...slice }: OwnedQuery = {},
): Promise<Owned[]> {
  if (projects?.length === 0) return [];
  let query = cloudTables(db)
    .selectFrom('allocations as a')
    .leftJoin('messages as m', 'm.msgid', 'a.msgid')
    .selectAll('a')
    .select(({ fn, val }) => fn.coalesce('m.project', val(DEFAULT_PROJECT)).as('project'))
    .where('a.kind', '=', kind)
    .$if(projects !== undefined, query =>
      query.where(({ fn, val, eb }) =>
        eb(fn.coalesce('m.project', val(DEFAULT_PROJECT)), 'in', [...(projects ?? [])]),
      ),
    );
  for (const condition of ofMessagesWith('a.msgid', selector)) query = query.where(condition);
  if (find !== '')
    query = query.where(
      holdsText([sql.ref('a.key'), jsonText(db, 'a.detail', 'host'), jsonText(db, 'a.detail', 'ip')], find),
    );
  const rows = await sliced(query, ['a.key'], slice).execute();
  return rows.map(row => ({ ...allocationOf(row), project: String(row.project) }));
}

export async function changeDetail(tx: Tx, kind: string, key: string, detail: Parameters): Promise<void> {
  await cloudTables(tx.db)
    .updateTable('allocations')
    .set({ detail: JSON.stringify(detail) })
    .where('kind', '=', kind)
    .where('key', '=', key)
    .execute();
}

export function allocationOf(row: AllocationRow): Allocation {
  return {
    kind: row.kind,
    key: row.key,
    msgid: Number(row.msgid),
    detail: JSON.parse(row.detail) as Parameters,
    created: Number(row.created),
  };
}
