/** Every list goes page by page: nothing twice, nothing left out, whatever comes and goes between two pages. On both engines. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { cloudTables } from '../../src/cloud/schema.ts';
import { ask, openServed, plan, type Served } from './access-fixture.ts';
import { onBothEngines } from './both-engines.ts';

/** Lists, and what tells an item of each from the others. */
const LISTS: Readonly<Record<string, (item: Record<string, unknown>) => unknown>> = {
  '/v1/flows': item => item.name,
  '/v1/steps': item => `${item.module} ${item.action}`,
  '/v1/networks': item => item.name,
  '/v1/policies': item => item.name,
  '/v1/reservations': item => item.name,
  '/v1/workers': item => `${item.name} ${item.process}`,
  '/v1/projects': item => item.name,
  '/v1/tokens?all=true': item => item.prefix,
  '/v1/accounts': item => item.name,
  '/v1/roles': item => `${item.project} ${item.subject}`,
  '/v1/webhooks': item => item.id,
  '/v1/secret-keys': item => item.id,
  '/v1/hosts': item => item.name,
  '/v1/vms': item => item.name,
  '/v1/messages/1/blame': item => item.name,
};

onBothEngines('pages', options => {
  let served: Served;
  before(async () => {
    served = await openServed(options());
    await furnish(served);
  });
  after(async () => {
    await served[Symbol.asyncDispose]();
  });

  for (const [path, keyOf] of Object.entries(LISTS))
    it(`${path} comes whole, and in pages of two`, async () => {
      const whole = (await ask(served, 'GET', path)).body.items.map(keyOf);
      assert.equal(new Set(whole).size, whole.length);
      if (!/workers|networks/.test(path)) assert.ok(whole.length >= 3, `${whole}`);
      const paged: unknown[] = [];
      let next: string | undefined;
      do {
        const sign = path.includes('?') ? '&' : '?';
        const cursor = next === undefined ? '' : `&cursor=${next}`;
        const { body, status, headers } = await ask(served, 'GET', `${path}${sign}limit=2${cursor}`);
        assert.equal(status, 200, JSON.stringify(body));
        assert.ok(body.items.length <= 2);
        paged.push(...body.items.map(keyOf));
        next = body.next;
        assert.equal(/rel="next"/.test(headers.get('link') ?? ''), next !== undefined);
      } while (next !== undefined);
      assert.deepEqual(paged, whole);
    });

  it('a cursor of another list, or of no list, is refused', async () => {
    const { body } = await ask(served, 'GET', '/v1/projects?limit=1');
    const made = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const bad = [body.next, 'x', made(['tokens', 'a', 'b', 'c']), made(['tokens', 1e300, 'b', 'c'])];
    for (const cursor of [...bad, made(['tokens', 1, 'b', 'c\0'])]) {
      const answer = await ask(served, 'GET', `/v1/tokens?limit=1&cursor=${encodeURIComponent(cursor)}`);
      assert.deepEqual([answer.status, answer.body.where], [400, '/cursor'], cursor);
    }
  });

  it('what goes between two pages shifts nothing', async () => {
    const { access } = served.client;
    for (const name of ['p-a', 'p-b', 'p-c', 'p-d']) await access.createProject({ name });
    const names = (page: { items: { name: string }[] }) => page.items.map(({ name }) => name);
    const first = await access.projects({ limit: 3 });
    assert.deepEqual(names(first), ['default', 'p-a', 'p-b']);
    for (const name of ['p-a', 'p-b']) await access.removeProject(name);
    const rest = names(await access.projects({ limit: 9, cursor: first.next! }));
    assert.deepEqual(rest.slice(0, 2), ['p-c', 'p-d']);
  });

  it('VMs are found by a part of name, host or address, and by labels, within a page', async () => {
    const names = async (query: object) => (await served.client.vms(query)).items.map(({ name }) => name);
    const [vm] = (await served.client.vms({ find: 'PAGE-2' })).items;
    assert.equal(vm?.name, 'page-2');
    assert.ok((await names({ find: vm.host })).includes('page-2'));
    assert.deepEqual(await names({ find: vm.ip! }), ['page-2']);
    assert.deepEqual(await names({ find: '%' }), []);
    assert.deepEqual(await names({ find: 'page_2' }), []);
    assert.deepEqual(await names({ selector: 'odd', limit: 1 }), ['page-1']);
    assert.deepEqual(await names({ selector: 'n in (1,2),odd!=no', find: 'page' }), ['page-1', 'page-2']);
    assert.deepEqual(await names({ selector: '!odd' }), ['page-2']);
  });

  it('hosts are found by labels of their own, by zone and by rack; the map of the fleet, too', async () => {
    const names = async (selector: string) =>
      (await served.client.hosts({ selector })).items.map(({ name }) => name);
    const map = async (selector: string) =>
      (await ask(served, 'GET', `/v1/fleet-map?selector=${encodeURIComponent(selector)}`)).body.name;
    const cases: Readonly<Record<string, string[]>> = {
      'disk=ssd': ['sim-1'],
      'disk!=ssd': ['sim-2', 'sim-3', 'sim-4'],
      'disk notin (ssd,hdd)': ['sim-3', 'sim-4'],
      disk: ['sim-1', 'sim-2'],
      '!disk,a/b.c=x': ['sim-3'],
      'zone=hot': ['sim-4'],
      'zone=hot,disk': [],
    };
    for (const [selector, wanted] of Object.entries(cases)) {
      assert.deepEqual(await names(selector), wanted, selector);
      assert.deepEqual(await map(selector), wanted, selector);
    }
    const { status } = await ask(served, 'GET', '/v1/fleet-map?selector=%3D');
    assert.equal(status, 400);
  });

  it('fields leaves of each item what it names', async () => {
    const { body } = await ask(served, 'GET', '/v1/vms?fields=name,state&limit=1');
    assert.deepEqual(body.items, [{ name: 'page-1', state: 'running' }]);
    assert.equal(typeof body.next, 'string');
    const messages = await ask(served, 'GET', '/v1/messages?fields=msgid&limit=2');
    assert.deepEqual(Object.keys(messages.body.items[0]), ['msgid']);
    for (const path of ['/v1/vms', '/v1/tokens', '/v1/messages', '/v1/webhooks', '/v1/flows']) {
      const wrong = await ask(served, 'GET', `${path}?fields=naem`);
      assert.deepEqual([wrong.status, wrong.body.where], [400, '/fields'], path);
    }
  });
});

/** Three of everything. */
async function furnish({ client, services, store }: Served): Promise<void> {
  await client.submit({ plan: plan('lab note'), parameters: { a: 1, b: 2 } }, { waitMs: 20_000 });
  const { access } = client;
  for (const name of ['page-1', 'page-2', 'page-3']) {
    await access.createProject({ name });
    await access.createAccount({ name, project: 'default' });
    await access.grantRole({ subject: `sa/${name}`, project: name, role: 'viewer' });
    await access.createToken({ name, project: name, role: 'viewer' });
    await client.webhooks.create({ url: 'https://example.org/x', events: ['done'] });
    await services.secretKeys.rotate();
    const n = name.slice(-1);
    const labels = { n, ...(n !== '2' && { odd: n === '3' ? 'no' : 'yes' }) };
    const vm = { flow: 'create_vm', parameters: { cpu: 1, mem: 128, name }, labels };
    await client.submit(vm, { waitMs: 20_000 });
    const reservation = { flow: 'reserve', parameters: { name: `r-${n}`, count: 1, cpu: 1, mem: 128 } };
    await client.submit(reservation, { waitMs: 20_000 });
  }
  const given = [{ disk: 'ssd' }, { disk: 'hdd' }, { 'a/b.c': 'x' }, { zone: 'hot' }];
  await store.transact(async tx => {
    for (const [at, labels] of given.entries())
      await cloudTables(tx.db)
        .updateTable('hosts')
        .set({ labels: JSON.stringify(labels) })
        .where('name', '=', `sim-${at + 1}`)
        .execute();
  });
}
