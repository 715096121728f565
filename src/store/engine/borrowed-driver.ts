import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from 'kysely';

type Execute = <R>(query: CompiledQuery) => Promise<QueryResult<R>>;

/** Lets Kysely build and run queries where somebody else begins and ends the transactions. */
export class BorrowedDriver implements Driver {
  readonly #connection: DatabaseConnection;

  constructor(executeQuery: Execute) {
    this.#connection = {
      executeQuery,
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
