import { after, before, describe } from 'node:test';
import { installationSchema } from '../../src/cli/installation-schema.ts';
import { openPostgres } from '../../src/store/postgres/open-postgres.ts';
import { makePostgresCluster, type PostgresCluster } from '../../src/testing/postgres-cluster.ts';
import type { FixtureOptions } from './cloud-fixture.ts';

/**
 * The same tests on SQLite and on a real PostgreSQL. What they are given makes the options of a fixture, each with a database of its own;
 * `more` adds to them.
 */
export function onBothEngines(
  name: string,
  tests: (options: () => FixtureOptions) => void,
  more: () => FixtureOptions = () => ({}),
): void {
  let cluster: PostgresCluster;
  before(async () => {
    cluster = await makePostgresCluster();
  });
  after(() => cluster.close());
  let schemas = 0;
  const openStore = () =>
    openPostgres({ url: cluster.url(), namespace: `${name}${++schemas}`, schema: installationSchema });
  describe('SQLite', () => tests(more));
  describe('PostgreSQL', () => tests(() => ({ ...more(), openStore })));
}
