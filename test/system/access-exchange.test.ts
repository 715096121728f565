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
