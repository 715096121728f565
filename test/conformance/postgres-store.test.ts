import { createHash } from 'node:crypto';
import { after, before } from 'node:test';
import { openPostgres } from '../../src/store/postgres/open-postgres.ts';
import { makePostgresCluster, type PostgresCluster } from '../../src/testing/postgres-cluster.ts';
import { storeConformance } from '../../src/testing/store-conformance/store-conformance.ts';

let cluster: PostgresCluster;
before(async () => {
  cluster = await makePostgresCluster();
});
after(() => cluster.close());

storeConformance('postgres', {
  capabilities: { engine: 'postgres', shared: true, notifies: true },
  open: dir =>
    openPostgres({
      url: cluster.url(),
      namespace: `s${createHash('sha256').update(dir).digest('hex').slice(0, 20)}`,
    }),
});
