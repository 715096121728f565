import { join } from 'node:path';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import { channelConformance, channelOver } from '../../src/testing/channel-conformance.ts';

channelConformance('over the store', {
  transactional: true,
  async open(dir) {
    return channelOver(openSqlite({ file: join(dir, 'coax.db') }));
  },
});
