/** Claims of hosts on SQLite. */
import { join } from 'node:path';
import { cloudSchema } from '../../src/cloud/cloud.ts';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import { claimsSuite, type WithStores } from './claims-suite.ts';
import { feedSuite } from './feed-suite.ts';
import { inFolder } from './store-fixture.ts';

const withStores: WithStores = run =>
  inFolder(async dir => {
    const store = openSqlite({ file: join(dir, 'coax.db'), schema: cloudSchema });
    try {
      await run([store]);
    } finally {
      await store.close();
    }
  });

claimsSuite(withStores);
feedSuite(withStores);
