import { createHash } from 'node:crypto';
import { after, before } from 'node:test';
import { openPostgres } from '../../src/store/postgres/open-postgres.ts';
import type { PostgresStore } from '../../src/store/postgres/postgres-store.ts';
import { channelConformance, channelOver } from '../../src/testing/channel-conformance.ts';
import { makePostgresCluster, type PostgresCluster } from '../../src/testing/postgres-cluster.ts';
import { storeConformance } from '../../src/testing/store-conformance/store-conformance.ts';

let cluster: PostgresCluster;
before(async () => {
  cluster = await makePostgresCluster();
});
after(() => cluster.close());

/** The same schema for the same folder. */
const open = (dir: string): Promise<PostgresStore> =>
  openPostgres({
    url: cluster.url(),
    namespace: `s${createHash('sha256').update(dir).digest('hex').slice(0, 20)}`,
  });

storeConformance('postgres', {
  capabilities: { engine: 'postgres', shared: true, notifies: true },
  open,
});

channelConformance('over PostgreSQL', {
  transactional: true,
  async open(dir) {
    return channelOver(await open(dir));
  },
});
