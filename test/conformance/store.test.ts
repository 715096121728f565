import { join } from 'node:path';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import { storeConformance } from '../../src/testing/store-conformance/store-conformance.ts';

storeConformance('sqlite', {
  capabilities: { engine: 'sqlite', shared: false, notifies: false },
  open: async dir => openSqlite({ file: join(dir, 'coax.db') }),
});
