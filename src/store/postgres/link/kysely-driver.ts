import {
  type CompiledQuery,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';
import { BorrowedDriver } from '../../engine/borrowed-driver.ts';
import type { Link } from './link.ts';

type Run = <T>(work: (link: Link) => Promise<T>) => Promise<T>;

/**
 * Kysely on connections that `run` gives: those of a pool, or the one whose transaction is open. `prepares`: the same text is
 * parsed and planned once for each connection, which must be one that takes the same plan for all values.
 */
// biome-ignore lint/suspicious/noExplicitAny: each module narrows it to its own tables
export function kyselyOn(run: Run, prepares = false): Kysely<any> {
  return new Kysely({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () =>
        new BorrowedDriver(<R>(query: CompiledQuery) => run(link => execute<R>(link, query, prepares))),
      createIntrospector: db => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  });
}

async function execute<R>(link: Link, query: CompiledQuery, prepares: boolean): Promise<QueryResult<R>> {
  const { sql, parameters } = query;
  const { rows, command, rowCount } = await (prepares
    ? link.prepared(sql, parameters)
    : link.once(sql, parameters));
  const changes = command === 'INSERT' || command === 'UPDATE' || command === 'DELETE';
  return { rows: rows as R[], ...(changes && { numAffectedRows: BigInt(rowCount ?? 0) }) };
}
