/** Who may do what, on PostgreSQL: what one server changes, another one knows. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { installationSchema } from '../../src/cli/installation-schema.ts';
import { mayWorkOn } from '../../src/cloud/owners.ts';
import { isCoaxError } from '../../src/errors/coax-error.ts';
import { Identity } from '../../src/identity/identity.ts';
import { openPostgres } from '../../src/store/postgres/open-postgres.ts';
import { makePostgresCluster, type PostgresCluster } from '../../src/testing/postgres-cluster.ts';
import { submission } from '../../src/testing/store-conformance/fixture.ts';

let cluster: PostgresCluster;
before(async () => {
  cluster = await makePostgresCluster();
});
after(() => cluster.close());

test('tokens, accounts, roles, sessions and projects are the same at every server', async () => {
  const open = () => openPostgres({ url: cluster.url(), namespace: 'identity', schema: installationSchema });
  const stores = [await open(), await open()] as const;
  const others = async () => null;
  const [here, there] = stores.map(store => new Identity({ store, token: 'coax_owner', others })) as [
    Identity,
    Identity,
  ];
  try {
    await here.projects.create('web', { team: 'a' }, 'ann');
    assert.deepEqual(
      (await there.projects.list()).map(({ name }) => name),
      ['default', 'web'],
    );
    await here.accounts.create({ name: 'ci', project: 'web', about: '' }, 'ann');
    await here.bindings.grant('sa/ci', 'web', 'viewer', 'ann');
    await there.bindings.grant('sa/ci', 'web', 'operator', 'bob');
    const wish = { name: 't', account: 'ci', project: 'web', role: null, ttlMs: 60_000 };
    const { text } = await here.tokens.create(wish, 'ann');
    const grants = [{ project: 'web', role: 'operator' }];
    assert.deepEqual(await there.principalOf(text), { actor: 'sa/ci', host: null, grants });
    const session = await here.sessions.open({ actor: 'sa/ci', subjects: [], token: text });
    assert.deepEqual((await there.principalOf(session.text))?.grants, grants);
    const [accepted] = await stores[0].submit([submission({}, { project: 'web' })]);
    const [plain] = await stores[0].submit([submission()]);
    await assert.rejects(
      () => there.projects.remove('web'),
      error => isCoaxError(error, 'COAX_CONFLICT'),
    );
    assert.equal(await mayWorkOn({ db: stores[0].reader }, plain!.msgid, accepted!.msgid), false);
    await here.accounts.remove('ci');
    there.changed();
    assert.equal(await there.principalOf(text), null);
    assert.equal(await there.principalOf(session.text), null);
    await here.projects.create('empty', {}, 'ann');
    await there.projects.remove('empty');
    assert.equal(await here.projects.exists('empty'), false);
  } finally {
    for (const store of stores) await store.close();
  }
});
