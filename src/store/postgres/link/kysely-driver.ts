import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';
import type { Link } from './link.ts';

type Run = <T>(work: (link: Link) => Promise<T>) => Promise<T>;

/** Kysely on connections that `run` gives: those of a pool, or the one whose transaction is open. */
// biome-ignore lint/suspicious/noExplicitAny: each module narrows it to its own tables
export function kyselyOn(run: Run): Kysely<any> {
  return new Kysely({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new LinkDriver(run),
      createIntrospector: db => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  });
}

/** Somebody else begins and ends the transactions. */
class LinkDriver implements Driver {
  readonly #connection: DatabaseConnection;

  constructor(run: Run) {
    this.#connection = {
      executeQuery: <R>(query: CompiledQuery) => run(link => execute<R>(link, query)),
      // biome-ignore lint/correctness/useYield: streams are not offered on this connection
      streamQuery: async function* () {
        throw new Error('streaming is not supported here');
      },
    };
  }

  async init(): Promise<void> {}
  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }
  async beginTransaction(): Promise<void> {
    throw new Error('the transaction is open already: do not begin another');
  }
  async commitTransaction(): Promise<void> {}
  async rollbackTransaction(): Promise<void> {}
  async releaseConnection(): Promise<void> {}
  async destroy(): Promise<void> {}
}

async function execute<R>(link: Link, query: CompiledQuery): Promise<QueryResult<R>> {
  const { rows, command, rowCount } = await link.once(query.sql, query.parameters);
  const changes = command === 'INSERT' || command === 'UPDATE' || command === 'DELETE';
  return { rows: rows as R[], ...(changes && { numAffectedRows: BigInt(rowCount ?? 0) }) };
}
