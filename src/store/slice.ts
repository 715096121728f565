import { type SelectQueryBuilder, sql } from 'kysely';

/** A place in an ordered list: what the item before it has in the columns that order it. */
export type ListKey = readonly (string | number)[];

/** A part of a list: so many items at most (all when absent), from after a key on. */
export interface Slice {
  readonly after?: ListKey | undefined;
  readonly limit?: number | undefined;
}

/** A column that orders a list; all of them together are unique. */
type OrderColumn = string | { readonly name: string; readonly newestFirst: true };

/**
 * The query in the order of these columns, and of it the slice (keyset: what comes or goes elsewhere in the list shifts
 * nothing, and the last page costs no more than the first). `after` has one value for each column.
 */
export function sliced<DB, TB extends keyof DB, O>(
  query: SelectQueryBuilder<DB, TB, O>,
  columns: readonly OrderColumn[],
  { after, limit }: Slice = {},
): SelectQueryBuilder<DB, TB, O> {
  let result = query;
  const parts = columns.map(column =>
    typeof column === 'string'
      ? { ref: sql.ref(column), order: 'asc' as const, beyond: sql`>` }
      : { ref: sql.ref(column.name), order: 'desc' as const, beyond: sql`<` },
  );
  for (const { ref, order } of parts) result = result.orderBy(ref, order);
  if (after !== undefined) {
    const ways = parts.map(({ ref, beyond }, at) => {
      const same = parts.slice(0, at).map((part, before) => sql`${part.ref} = ${after[before]}`);
      return sql<boolean>`(${sql.join([...same, sql`${ref} ${beyond} ${after[at]}`], sql` AND `)})`;
    });
    result = result.where(sql<boolean>`(${sql.join(ways, sql` OR `)})`);
  }
  return limit === undefined ? result : result.limit(limit);
}
