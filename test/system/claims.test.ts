/** Claims of hosts on SQLite. */
import { join } from 'node:path';
import { cloudSchema } from '../../src/cloud/cloud.ts';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import { claimsSuite } from './claims-suite.ts';
import { inFolder } from './store-fixture.ts';

claimsSuite(run =>
  inFolder(async dir => {
    const store = openSqlite({ file: join(dir, 'coax.db'), schema: cloudSchema });
    try {
      await run([store]);
    } finally {
      await store.close();
    }
  }),
);
