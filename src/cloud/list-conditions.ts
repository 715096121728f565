import { type RawBuilder, sql } from 'kysely';
import type { Selector, Term } from '../message/carried/selector.ts';
import type { Tx } from '../store/tx.ts';
import { isPostgres } from './change-marks.ts';

type Db = Tx['db'];
type Condition = RawBuilder<boolean>;

/** The text that a column of JSON has at its top by that name; null without it. */
export function jsonText(db: Db, column: string, name: string): RawBuilder<string | null> {
  return isPostgres(db)
    ? sql`(CAST(${sql.ref(column)} AS jsonb) ->> CAST(${name} AS text))`
    : sql`json_extract(${sql.ref(column)}, ${`$."${name}"`})`;
}

/** Rows of `hosts` that have such labels; their zone and their rack are labels, too, unless one of their own is called so. */
export function hostsWith(db: Db, selector: Selector): Condition[] {
  return selector.map(term => {
    const own = jsonText(db, 'hosts.labels', term.name);
    const value =
      term.name === 'zone' || term.name === 'rack'
        ? sql<string>`coalesce(${own}, ${sql.ref(`hosts.${term.name}`)})`
        : own;
    if ('values' in term) return listed(term.op, value, term.values);
    return term.op === 'exists' ? sql`${value} IS NOT NULL` : sql`${value} IS NULL`;
  });
}

const listed = (
  op: 'in' | 'notin',
  value: RawBuilder<string | null>,
  values: readonly string[],
): Condition =>
  op === 'in'
    ? sql`${value} IN (${sql.join(values)})`
    : sql`(${value} IS NULL OR ${value} NOT IN (${sql.join(values)}))`;

/** Rows with a `msgid` of a message that has such labels: each is looked up by its key, so that a page reads what it shows. */
export function ofMessagesWith(msgid: string, selector: Selector): Condition[] {
  return selector.map((term: Term) => {
    const wanted = 'values' in term ? sql`AND l.value IN (${sql.join(term.values)})` : sql``;
    const found = sql<boolean>`EXISTS (SELECT 1 FROM message_labels l
      WHERE l.msgid = ${sql.ref(msgid)} AND l.name = ${term.name} ${wanted})`;
    return term.op === 'in' || term.op === 'exists' ? found : sql<boolean>`NOT ${found}`;
  });
}

/** One of these holds the text, in whatever letters. */
export function holdsText(fields: readonly RawBuilder<unknown>[], text: string): Condition {
  const like = `%${text.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
  return sql`(${sql.join(
    fields.map(field => sql`lower(${field}) LIKE ${like} ESCAPE '\\'`),
    sql` OR `,
  )})`;
}
