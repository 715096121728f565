/** `If-Match` on what people set up: a change is made to what they saw, or not at all. On both engines. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { ask, openServed, type Served } from './access-fixture.ts';
import { onBothEngines } from './both-engines.ts';

interface Case {
  /** What is read. */
  readonly path: string;
  /** Changes that are decided about what was read, in their order; the last may take the thing away. */
  readonly changes: readonly (readonly [path: string, body: object])[];
}

onBothEngines('versions', options => {
  let served: Served;
  let cases: Readonly<Record<string, Case>>;
  before(async () => {
    served = await openServed(options());
    const { access, webhooks } = served.client;
    await access.createProject({ name: 'shop', labels: { team: 'a' } });
    await access.createAccount({ name: 'ci', project: 'default' });
    await access.createToken({ name: 'laptop', project: 'default', role: 'viewer' });
    await access.grantRole({ subject: 'ann@example.org', project: 'default', role: 'viewer' });
    const { id } = await webhooks.create({ url: 'https://example.org/x', events: ['done'] });
    cases = {
      project: {
        path: '/v1/projects/shop',
        changes: [
          ['/v1/projects/shop/edit', { labels: { team: 'b' } }],
          ['/v1/projects/shop/remove', {}],
        ],
      },
      quota: { path: '/v1/projects/default/quota', changes: [['/v1/projects/default/quota', { vms: 7 }]] },
      account: { path: '/v1/accounts/ci', changes: [['/v1/accounts/ci/remove', {}]] },
      token: { path: '/v1/tokens/laptop', changes: [['/v1/tokens/laptop/revoke', {}]] },
      webhook: {
        path: `/v1/webhooks/${id}`,
        changes: [
          [`/v1/webhooks/${id}/edit`, { events: ['parked'] }],
          [`/v1/webhooks/${id}/remove`, {}],
        ],
      },
      role: {
        path: '/v1/role?subject=ann@example.org&project=default',
        changes: [
          ['/v1/roles/grant', { subject: 'ann@example.org', project: 'default', role: 'operator' }],
          ['/v1/roles/withdraw', { subject: 'ann@example.org', project: 'default' }],
        ],
      },
      keys: { path: '/v1/secret-keys', changes: [['/v1/secret-keys/rotate', {}]] },
    };
  });
  after(async () => {
    await served[Symbol.asyncDispose]();
  });

  const post = (path: string, body: object, etag: string) =>
    ask(served, 'POST', path, { body, headers: { 'if-match': etag } });

  for (const name of ['project', 'quota', 'account', 'token', 'webhook', 'role', 'keys'])
    it(`${name}: of many who change what they saw, one is heard; an older sight changes nothing`, async () => {
      const { path, changes } = cases[name]!;
      let older = `"${'0'.repeat(32)}-x"`;
      for (const [at, body] of changes) {
        const seen = (await ask(served, 'GET', path)).headers.get('etag')!;
        const stale = await post(at, body, older);
        assert.deepEqual([stale.status, stale.body.code], [412, 'COAX_CHANGED'], at);
        const nonsense = await post(at, body, '"x"');
        assert.deepEqual([nonsense.status, nonsense.body.where], [400, 'If-Match'], at);
        const answers = await Promise.all(Array.from({ length: 4 }, () => post(at, body, seen)));
        const statuses = answers.map(({ status }) => status).sort();
        // Who comes when it is gone already does not find it.
        assert.deepEqual(
          statuses.map(status => (status === 404 ? 412 : status)),
          [200, 412, 412, 412],
          at,
        );
        older = seen;
      }
    });

  it('what nobody decides changes no version: a token that was used, a quota that fills', async () => {
    const { access } = served.client;
    const { token } = await access.createToken({ name: 'used', project: 'default', role: 'viewer' });
    const version = async (path: string) =>
      (await ask(served, 'GET', path)).headers.get('etag')!.slice(1, 33);
    const before = [await version('/v1/tokens/used'), await version('/v1/projects/default/quota')];
    await ask(served, 'GET', '/v1/whoami', { token });
    await served.client.submit(
      { flow: 'create_vm', parameters: { cpu: 1, mem: 128, name: 'v-1' } },
      { waitMs: 20_000 },
    );
    assert.equal((await access.token('used')).lastUsed === null, false);
    assert.deepEqual([await version('/v1/tokens/used'), await version('/v1/projects/default/quota')], before);
  });

  it('a change that comes again under its key, late, does not undo what was changed meanwhile', async () => {
    const { access } = served.client;
    await access.createProject({ name: 'late' });
    await access.createToken({ name: 'late', project: 'late', role: 'viewer' });
    await access.createAccount({ name: 'late', project: 'late' });
    const changes: readonly (readonly [path: string, body: object, other: object])[] = [
      ['/v1/projects/late/quota', { vms: 3 }, { vms: 9 }],
      ['/v1/projects/late/edit', { labels: { a: '1' } }, { labels: { a: '2' } }],
      [
        '/v1/roles/grant',
        { subject: 'bo@example.org', project: 'late', role: 'viewer' },
        { subject: 'bo@example.org', project: 'late', role: 'operator' },
      ],
      [
        '/v1/roles/withdraw',
        { subject: 'bo@example.org', project: 'late' },
        { subject: 'al@example.org', project: 'late' },
      ],
    ];
    for (const [path, body, other] of changes) {
      const send = (body: object, key?: string) =>
        ask(served, 'POST', path, { body, headers: key === undefined ? {} : { 'idempotency-key': key } });
      const first = await send(body, path);
      assert.equal(first.status, 200, `${path} ${JSON.stringify(first.body)}`);
      await send(other);
      const again = await send(body, path);
      assert.deepEqual([again.status, again.body], [200, first.body], path);
      assert.equal(again.headers.get('idempotent-replayed'), 'true', path);
      const conflict = await send(other, path);
      assert.deepEqual([conflict.status, conflict.body.code], [409, 'COAX_IDEMPOTENCY_CONFLICT'], path);
    }
    const { body: quota } = await ask(served, 'GET', '/v1/projects/late/quota');
    assert.equal(quota.limits.vms, 9);
    assert.deepEqual((await ask(served, 'GET', '/v1/projects/late')).body.labels, { a: '2' });
    for (const path of ['/v1/tokens/late/revoke', '/v1/accounts/late/remove', '/v1/projects/late/remove'])
      for (const replayed of [null, 'true']) {
        const answer = await ask(served, 'POST', path, { headers: { 'idempotency-key': path } });
        assert.deepEqual([answer.status, answer.headers.get('idempotent-replayed')], [200, replayed], path);
      }
  });
});
