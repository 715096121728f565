/** Claims of hosts on PostgreSQL, by several servers at once. */
import { cloudSchema } from '../../src/cloud/cloud.ts';
import { claimsSuite, type WithStores } from '../system/claims-suite.ts';
import { feedSuite } from '../system/feed-suite.ts';
import { postgresTests } from './fixture.ts';

const tests = postgresTests();

const withStores: WithStores = run =>
  tests.withDatabase(async database => {
    const open = () => database.open({ schema: cloudSchema });
    const stores = [await open(), await open(), await open()];
    await run(stores);
  });

claimsSuite(withStores);
feedSuite(withStores);
