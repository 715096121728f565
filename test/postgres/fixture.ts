import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, before } from 'node:test';
import pg from 'pg';
import { openPostgres, type PostgresOptions } from '../../src/store/postgres/open-postgres.ts';
import type { PostgresStore } from '../../src/store/postgres/postgres-store.ts';
import { makePostgresCluster, type PostgresCluster } from '../../src/testing/postgres-cluster.ts';

export interface PostgresTests {
  readonly cluster: PostgresCluster;
  /** Runs a test on a database of its own; every store that it opens is closed after it. */
  withDatabase(test: (database: TestDatabase) => Promise<void>): Promise<void>;
}

export interface TestDatabase {
  readonly url: string;
  /** One more server on the database. */
  open(more?: Partial<PostgresOptions>): Promise<PostgresStore>;
  /** A statement of somebody who is not Coax. */
  sql(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  /** Ends the connections of the stores, all or those that a condition on pg_stat_activity names. */
  killConnections(which?: string): Promise<number>;
}

/** One cluster for the tests of a file. */
export function postgresTests(settings: readonly string[] = []): PostgresTests {
  let cluster: PostgresCluster | undefined;
  let databases = 0;
  before(async () => {
    cluster = await makePostgresCluster(settings);
  });
  after(() => cluster?.close());
  const tests: PostgresTests = {
    get cluster() {
      if (cluster === undefined) throw new Error('the cluster is there while tests run');
      return cluster;
    },
    async withDatabase(test) {
      databases += 1;
      const name = `test${databases}`;
      await tests.cluster.createDatabase(name);
      const url = tests.cluster.url(name);
      const stores: PostgresStore[] = [];
      const sql = async (
        text: string,
        values: readonly unknown[] = [],
      ): Promise<Record<string, unknown>[]> => {
        const client = new pg.Client({ connectionString: url, application_name: 'somebody' });
        await client.connect();
        try {
          return (await client.query(text, [...values])).rows;
        } finally {
          await client.end();
        }
      };
      try {
        await test({
          url,
          sql,
          async open(more = {}) {
            const store = await openPostgres({ url, ...more });
            stores.push(store);
            return store;
          },
          async killConnections(which = 'true') {
            const rows = await sql(
              `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE application_name = 'coax' AND datname = current_database() AND ${which}`,
            );
            return rows.length;
          },
        });
      } finally {
        await Promise.all(stores.map(store => store.close()));
      }
    },
  };
  return tests;
}

/** Resolves when `holds` does; throws after three minutes. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const began = performance.now();
  while (!(await holds())) {
    if (performance.now() - began > 180_000) throw new Error(`not within three minutes: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

/** A wire between a store and the database that can be cut at a chosen moment. */
export interface Wire {
  readonly port: number;
  /** The next time that a client sends these bytes, the database gets them, and its answer is lost with the connection. */
  loseAnswerTo(bytes: string): Promise<void>;
  close(): Promise<void>;
}

export async function makeWire(target: number): Promise<Wire> {
  const sockets = new Set<Socket>();
  let trap: { bytes: string; sprung: () => void } | null = null;
  const server: Server = createServer(client => {
    const database = connect(target, '127.0.0.1');
    let deaf = false;
    for (const [from, to] of [
      [client, database],
      [database, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
    client.on('data', data => {
      if (trap !== null && data.includes(trap.bytes)) {
        deaf = true;
        const { sprung } = trap;
        trap = null;
        database.write(data);
        // The database has answered: what it was asked for is done.
        database.once('data', () => {
          client.destroy();
          sprung();
        });
        return;
      }
      database.write(data);
    });
    database.on('data', data => {
      if (!deaf) client.write(data);
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    loseAnswerTo: bytes =>
      new Promise<void>(sprung => {
        trap = { bytes, sprung };
      }),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise(resolve => server.close(resolve));
    },
  };
}
