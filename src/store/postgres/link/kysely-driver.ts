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

/** Kysely on connections that `run` gives: those of a pool, or the one whose transaction is open. */
// biome-ignore lint/suspicious/noExplicitAny: each module narrows it to its own tables
export function kyselyOn(run: Run): Kysely<any> {
  return new Kysely({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () =>
        new BorrowedDriver(<R>(query: CompiledQuery) => run(link => execute<R>(link, query))),
      createIntrospector: db => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  });
}

async function execute<R>(link: Link, query: CompiledQuery): Promise<QueryResult<R>> {
  const { rows, command, rowCount } = await link.once(query.sql, query.parameters);
  const changes = command === 'INSERT' || command === 'UPDATE' || command === 'DELETE';
  return { rows: rows as R[], ...(changes && { numAffectedRows: BigInt(rowCount ?? 0) }) };
}
