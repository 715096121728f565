import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask, openServed, plan, type Served } from './access-fixture.ts';

let served: Served;
before(async () => {
  served = await openServed();
});
after(async () => {
  await served[Symbol.asyncDispose]();
});

test('a sane X-Request-Id is taken over, any other is not', async () => {
  const idFor = async (given: string) => {
    const { headers, body } = await ask(served, 'GET', '/v1/messages/999999', {
      headers: { 'x-request-id': given },
    });
    assert.equal(headers.get('x-request-id'), body.instance);
    return body.instance as string;
  };
  assert.equal(await idFor('order-17.a_B'), 'order-17.a_B');
  for (const insane of ['a b', 'x'.repeat(65), '<script>', 'a"b', 'ü'])
    assert.match(await idFor(insane), /^r-[0-9a-f]{16}$/, insane);
});

test('the type of a problem leads to a page about it, without a token', async () => {
  const problem = await ask(served, 'GET', '/v1/messages/999999');
  assert.equal(problem.body.type, '/errors/COAX_MESSAGE_NOT_FOUND');
  const page = await ask(served, 'GET', problem.body.type, { token: null });
  assert.equal(page.status, 200);
  assert.match(page.type, /^text\/html/);
  assert.match(page.body, /No message has that msgid\..*<code>coax ls<\/code> lists the messages/s);
  const all = await ask(served, 'GET', '/errors', { token: null });
  assert.match(all.body, /href="\/errors\/COAX_MESSAGE_NOT_FOUND"/);
  for (const strange of ['/errors/COAX_NONE', '/errors/__proto__', '/errors/%3Cscript%3E']) {
    const { status, type } = await ask(served, 'GET', strange, { token: null });
    assert.equal(status, 404, strange);
    assert.match(type, /^application\/problem\+json/);
  }
});

test('an ETag saves the body of what has not changed', async () => {
  const { msgid } = await served.client.submit({ plan: plan('lab note') }, { waitMs: 10_000 });
  for (const path of [
    `/v1/messages/${msgid}`,
    '/v1/messages',
    '/v1/flows',
    `/v1/messages/${msgid}/commits`,
  ]) {
    const first = await ask(served, 'GET', path);
    const etag = first.headers.get('etag')!;
    assert.match(etag, /^"[\w-]+"$/, path);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await ask(served, 'GET', path, { headers: { 'if-none-match': known } });
      assert.equal(again.status, 304, `${path} ${known}`);
      assert.equal(again.body, '');
      assert.equal(again.headers.get('etag'), etag);
    }
    const other = await ask(served, 'GET', path, { headers: { 'if-none-match': '"other"' } });
    assert.equal(other.status, 200);
  }
  const before = await ask(served, 'GET', `/v1/messages/${msgid}`);
  await served.client.revert(msgid);
  await served.client.waitFor(msgid);
  const known = { 'if-none-match': before.headers.get('etag')! };
  assert.equal((await ask(served, 'GET', `/v1/messages/${msgid}`, { headers: known })).status, 200);
});

test('If-Match decides only about a message that is still as it was seen', async () => {
  const { msgid } = await served.client.submit({ plan: plan('lab note') }, { waitMs: 10_000 });
  const path = `/v1/messages/${msgid}`;
  const seen = (await ask(served, 'GET', path)).headers.get('etag')!;
  const revert = (etag: string) =>
    ask(served, 'POST', `${path}/revert`, { body: {}, headers: { 'if-match': etag, prefer: 'wait=10' } });
  const nonsense = await revert('"other"');
  assert.equal(nonsense.status, 400);
  assert.equal(nonsense.body.where, 'If-Match');
  const stale = await revert(`"${'0'.repeat(32)}-x"`);
  assert.equal(stale.status, 412);
  assert.equal(stale.body.code, 'COAX_CHANGED');
  const taken = await revert(`"${'0'.repeat(32)}-x", ${seen}`);
  assert.equal(taken.status, 200);
  assert.equal(taken.body.status, 'rolled_back');
  assert.equal(taken.headers.get('location'), path);
  // Two people saw the same; the second one's decision is about what is no longer there.
  const late = await revert(seen);
  assert.equal(late.status, 412);
  assert.equal((await served.store.message(msgid))!.cause, 'reverted');
});

test('of many who decide under one ETag at the same time, one is heard', async () => {
  const { msgid } = await served.client.submit({ plan: plan('lab note') }, { waitMs: 10_000 });
  const path = `/v1/messages/${msgid}`;
  const etag = (await ask(served, 'GET', path)).headers.get('etag')!;
  const revert = () => ask(served, 'POST', `${path}/revert`, { body: {}, headers: { 'if-match': etag } });
  const answers = await Promise.all(Array.from({ length: 8 }, revert));
  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [202, ...Array(7).fill(412)]);
});

test('a VM is removed under its ETag, and not under an older one', async () => {
  const { client } = served;
  const vm = { flow: 'create_vm', parameters: { cpu: 1, mem: 128, name: 'etag' } };
  await client.submit(vm, { waitMs: 20_000 });
  const seen = (await ask(served, 'GET', '/v1/vms/etag')).headers.get('etag')!;
  const remove = (etag: string) =>
    ask(served, 'POST', '/v1/vms/etag/remove', {
      body: {},
      headers: { 'if-match': etag, prefer: 'wait=20' },
    });
  assert.equal((await remove(seen.replace(/^"\w{8}/, '"00000000'))).status, 412);
  const removed = await remove(seen);
  assert.equal(removed.status, 200);
  assert.equal(removed.body.status, 'rolled_back');
});

test('the same key and body give the first answer again, whichever server is asked', async () => {
  const { openAccess } = await import('../../src/access/open-access.ts');
  const other = await openAccess(served.services, { listen: '127.0.0.1:0' });
  try {
    const { msgid } = await served.client.submit({ plan: plan('lab note') }, { waitMs: 10_000 });
    const path = `/v1/messages/${msgid}/revert`;
    const post = (body: object, at = served.url, key = 'revert-1') =>
      ask({ url: at } as Served, 'POST', path, { body, headers: { 'idempotency-key': key } });
    const first = await post({ reason: 'once' });
    assert.equal(first.status, 202);
    assert.equal(first.headers.get('idempotent-replayed'), null);
    await served.client.waitFor(msgid);
    for (const url of [served.url, other.url]) {
      const again = await post({ reason: 'once' }, url);
      assert.equal(again.status, 202);
      assert.deepEqual(again.body, first.body, 'as it was then');
      assert.equal(again.headers.get('idempotent-replayed'), 'true');
      assert.equal(again.headers.get('location'), first.headers.get('location'));
      const conflict = await post({ reason: 'other' }, url);
      assert.equal(conflict.status, 409);
      assert.equal(conflict.body.code, 'COAX_IDEMPOTENCY_CONFLICT');
    }
    assert.equal((await post({ reason: 'once' }, served.url, 'revert-2')).status, 409);
    assert.equal((await post({}, served.url, 'a b')).body.where, 'Idempotency-Key');
  } finally {
    await other.close();
  }
});

// biome-ignore lint/suspicious/noExplicitAny: a table of the access layer
const answers = async (): Promise<any[]> => served.store.reader.selectFrom('answers').selectAll().execute();

test('a key is taken once by many at a time, freed by a refusal, and free again when it expires', async () => {
  const { msgid } = await served.client.submit({ plan: plan('lab note') }, { waitMs: 10_000 });
  const post = (verb: string, key: string) =>
    ask(served, 'POST', `/v1/messages/${msgid}/${verb}`, { body: {}, headers: { 'idempotency-key': key } });
  const before = (await answers()).length;
  assert.equal((await post('resolve', 'refused')).status, 400);
  assert.equal((await post('cancel', 'refused')).status, 409, 'it is done');
  assert.equal((await answers()).length, before, 'what was refused keeps no key');
  const all = await Promise.all(Array.from({ length: 10 }, () => post('revert', 'many')));
  const done = all.filter(({ status }) => status === 202);
  assert.equal(done.filter(({ headers }) => headers.get('idempotent-replayed') === null).length, 1);
  for (const { status, body } of all)
    assert.ok(status === 202 || body.code === 'COAX_IDEMPOTENCY_CONFLICT', JSON.stringify(body));
  await served.client.waitFor(msgid);
  await served.store.transact(async ({ db }) => {
    await db.updateTable('answers').set({ expires: 1 }).execute();
  });
  assert.equal((await post('revert', 'many')).body.code, 'COAX_MESSAGE_STATE', 'asked anew');
});

test('an answer that holds a secret is not kept, so its repeat is refused', async () => {
  const post = () =>
    ask(served, 'POST', '/v1/join-tokens', { body: {}, headers: { 'idempotency-key': 'join-1' } });
  const { status, body } = await post();
  assert.equal(status, 200);
  const again = await post();
  assert.equal(again.status, 409);
  assert.match(again.body.detail, /secret that is not kept/);
  assert.ok(!JSON.stringify(await answers()).includes(body.token), 'the token is in the store');
});

test('labels are given at submission, and select messages', async () => {
  const labels = { env: 'prod', tier: 'web' };
  const one = await served.client.submit({ plan: plan('lab note'), labels });
  assert.deepEqual(one.labels, labels);
  await served.client.submit({ plan: plan('lab note'), labels: { env: 'dev' } });
  const { items } = await served.client.messages({ selector: 'env=prod,tier in (web,db)' });
  assert.deepEqual(
    items.map(({ msgid }) => msgid),
    [one.msgid],
  );
  for (const selector of ['env prod', '=', 'env in (', 'a'.repeat(3000)]) {
    const { body } = await ask(served, 'GET', `/v1/messages?selector=${encodeURIComponent(selector)}`);
    assert.equal(body.code, 'COAX_MESSAGE_INVALID', selector);
  }
  const wrong = { plan: plan('lab note'), labels: { 'a b': '1' } };
  assert.equal((await ask(served, 'POST', '/v1/messages', { body: wrong })).status, 400);
});

test('a trace comes with a request, stays with its message, and goes to who does its steps', async () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const submit = (headers: Record<string, string>) =>
    ask(served, 'POST', '/v1/messages', { body: { plan: plan('far away') }, headers });
  assert.equal((await submit({ traceparent, tracestate: 'a=1' })).body.traceparent, traceparent);
  const claim = await ask(served, 'POST', '/v1/channel/claim', {
    body: { worker: 'w9', addresses: ['far'] },
  });
  const { step } = claim.body.items[0];
  assert.deepEqual([step.traceparent, step.tracestate], [traceparent, 'a=1']);
  assert.equal((await submit({ traceparent: 'nonsense' })).body.traceparent, null);
});

test('VMs are selected by the labels of their messages, hosts by theirs, and both come in pages when asked', async () => {
  const { client } = served;
  for (const name of ['l-3', 'l-1', 'l-2']) {
    const labels = name === 'l-3' ? { env: 'dev' } : { env: 'prod', n: name };
    await client.submit(
      { flow: 'create_vm', parameters: { cpu: 1, mem: 128, name }, labels },
      { waitMs: 20_000 },
    );
  }
  const names = async (query: object) => (await client.vms(query)).items.map(({ name }) => name);
  assert.deepEqual(await names({ selector: 'env=prod' }), ['l-1', 'l-2']);
  assert.deepEqual(await names({ selector: 'env,n notin (l-1)' }), ['l-2', 'l-3']);
  assert.deepEqual((await client.vm('l-1')).labels, { env: 'prod', n: 'l-1' });
  const first = await client.vms({ limit: 2, selector: 'env' });
  assert.deepEqual(
    first.items.map(({ name }) => name),
    ['l-1', 'l-2'],
  );
  const last = await client.vms({ limit: 2, selector: 'env', cursor: first.next! });
  assert.deepEqual([last.items.map(({ name }) => name), last.next], [['l-3'], undefined]);
  const hosts = (await client.hosts()).items;
  const page = await ask(served, 'GET', '/v1/hosts?limit=1');
  assert.match(page.headers.get('link') ?? '', /^<\/v1\/hosts\?limit=1&cursor=[\w-]+>; rel="next"$/);
  const { zone } = hosts[0]!;
  assert.equal(
    (await client.hosts({ selector: `zone=${zone}` })).items.length,
    hosts.filter(h => h.zone === zone).length,
  );
  assert.equal((await client.hosts({ selector: 'zone,!zone' })).items.length, 0);
});
