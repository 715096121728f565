import { join } from 'node:path';
import { StoreChannel } from '../../src/channel/store-channel.ts';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import { channelConformance } from '../../src/testing/channel-conformance.ts';

channelConformance('over the store', {
  transactional: true,
  async open(dir) {
    const store = openSqlite({ file: join(dir, 'coax.db') });
    // No random part in backoffs: a retry comes exactly when its step asked for it.
    const channel = new StoreChannel(store, () => 0);
    return {
      store,
      channel,
      async close() {
        channel.close();
        await store.close();
      },
    };
  },
});
