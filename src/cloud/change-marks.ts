import { PostgresAdapter, type RawBuilder, type SelectQueryBuilder, sql } from 'kysely';
import type { Tx } from '../store/tx.ts';

/**
 * Marks of the change stream: numbers that grow, so that a scheduler that knows everything up to one of them reads what came
 * after.
 *
 * With PostgreSQL a mark is the number of the transaction that wrote. Numbers are given before a transaction ends, so one
 * with a lower number may become visible after one with a higher: whoever reads remembers the lowest number that was under
 * way (`pg_snapshot_xmin`), below which nothing will ever appear, and reads again from there. With SQLite transactions come
 * one after another, and a mark is one more than the highest; one that was undone may be given again, so only what is
 * durable says how far a reader is.
 */
export function nextMark(db: Tx['db']): RawBuilder<number> {
  return isPostgres(db)
    ? sql<number>`pg_current_xact_id()::text::bigint`
    : sql<number>`(SELECT 1 + max(coalesce((SELECT max(changed) FROM hosts), 0),
        coalesce((SELECT max(change) FROM claim_changes), 0)))`;
}

/** In PostgreSQL's words, what `markHorizon` gives. */
export const horizon = sql`pg_snapshot_xmin(pg_current_snapshot())::text::bigint`;

/** Everything whose mark is below this can be seen by whoever reads after it. With SQLite: `db` is the store's reader. */
export async function markHorizon(db: Tx['db']): Promise<number> {
  const mark = isPostgres(db) ? horizon : nextMark(db);
  const { rows } = await sql<{ mark: number }>`SELECT ${mark} AS mark`.execute(db);
  return Number(rows[0]?.mark ?? 0);
}

/** The elements of a JSON list as rows with one column, `value`: many rows go to the database as one text. */
export function jsonRows(db: Tx['db'], list: readonly unknown[]): RawBuilder<unknown> {
  const text = JSON.stringify(list);
  return isPostgres(db) ? sql`json_array_elements(CAST(${text} AS json))` : sql`json_each(${text})`;
}

/**
 * To be written behind a column: it is one of these. Found by the column's index whatever the database believes of the table;
 * a join with `jsonRows` may look at every row once for each of them.
 */
export function isOneOf(db: Tx['db'], texts: readonly string[]): RawBuilder<boolean> {
  return isPostgres(db)
    ? sql`= ANY (CAST(${[...texts]} AS text[]))`
    : sql`IN (SELECT value FROM json_each(${JSON.stringify(texts)}))`;
}

/** The same of whole numbers. */
export function isOneOfNumbers(db: Tx['db'], numbers: readonly number[]): RawBuilder<boolean> {
  return isPostgres(db)
    ? sql`= ANY (CAST(${[...numbers]} AS bigint[]))`
    : sql`IN (SELECT value FROM json_each(${JSON.stringify(numbers)}))`;
}

/** The rows that a query finds are nobody else's until the transaction ends. With SQLite they never are. */
export function locked<DB, TB extends keyof DB, O>(
  tx: Pick<Tx, 'db'>,
  query: SelectQueryBuilder<DB, TB, O>,
): SelectQueryBuilder<DB, TB, O> {
  return isPostgres(tx.db) ? query.forUpdate() : query;
}

export const isPostgres = (db: Tx['db']): boolean => db.getExecutor().adapter instanceof PostgresAdapter;
