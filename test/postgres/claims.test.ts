/** Claims of hosts on PostgreSQL, by several servers at once. */
import { cloudSchema } from '../../src/cloud/cloud.ts';
import { claimsSuite } from '../system/claims-suite.ts';
import { postgresTests } from './fixture.ts';

const tests = postgresTests();

claimsSuite(run =>
  tests.withDatabase(async database => {
    const open = () => database.open({ schema: cloudSchema });
    const stores = [await open(), await open(), await open()];
    await run(stores);
  }),
);
