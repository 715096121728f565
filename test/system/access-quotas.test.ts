/** Quotas and bounded queues over HTTP. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, openServed, plan } from './access-fixture.ts';

test('a quota is shown beside what is used, changed limit by limit, and taken away', async () => {
  await using served = await openServed();
  const { client } = served;
  const before = await client.quota('default');
  assert.deepEqual(new Set(Object.values(before.limits)), new Set([null]));
  const set = await client.setQuota('default', { vms: 1, cpus: 2.5, memMib: 4096 });
  assert.deepEqual([set.limits.vms, set.limits.cpus, set.limits.addresses], [1, 2.5, null]);
  const changed = await client.setQuota('default', { vms: null, addresses: 3 });
  assert.deepEqual([changed.limits.vms, changed.limits.cpus, changed.limits.addresses], [null, 2.5, 3]);
  const path = '/v1/projects/default/quota';
  for (const body of [{ vms: -1 }, { vms: 1.5 }, { nothing: 1 }, { cpus: 'many' }])
    assert.equal((await ask(served, 'POST', path, { body })).status, 400, JSON.stringify(body));
  for (const method of ['GET', 'POST'])
    assert.equal((await ask(served, method, '/v1/projects/none/quota', { body: undefined })).status, 404);
});

test('a step over the quota fails for good, with what and whose', async () => {
  await using served = await openServed();
  await served.client.setQuota('default', { cpus: 3 });
  const submit = (cpu: number) =>
    ask(served, 'POST', '/v1/messages', {
      body: { flow: 'create_vm', parameters: { cpu, mem: 128 } },
      headers: { prefer: 'wait=30' },
    });
  assert.equal((await submit(2)).body.status, 'done');
  const over = (await submit(2)).body;
  assert.deepEqual([over.status, over.error.code], ['rolled_back', 'COAX_QUOTA_EXCEEDED']);
  assert.match(over.error.reason, /^project default may have 3 CPUs; 2 in use, 2 more asked for/);
  const { used } = await served.client.quota('default');
  assert.deepEqual([used.vms, used.cpus, used.memMib, used.addresses], [1, 2, 128, 1]);
});

test('a message too many in a minute is asked for later, more at once than a minute has never', async () => {
  await using served = await openServed();
  await served.client.setQuota('default', { messages: 2 });
  const one = { plan: plan('nobody serves') };
  const submit = (count: number) =>
    ask(served, 'POST', '/v1/messages', { body: count === 1 ? one : Array(count).fill(one) });
  const never = await submit(3);
  assert.deepEqual([never.status, never.body.code], [409, 'COAX_QUOTA_EXCEEDED']);
  assert.match(never.body.detail, /may submit 2 in a minute, and this is 3 at once/);
  assert.equal(never.headers.get('retry-after'), null);
  assert.equal((await served.client.counts()).queued, 0);
  // The minute of the clock may end meanwhile: then two more go in.
  for (const count of [1, 2]) {
    let refused = await submit(count);
    while (refused.status === 202) refused = await submit(count);
    assert.deepEqual([refused.status, refused.body.code], [429, 'COAX_QUOTA_EXCEEDED']);
    const seconds = Number(refused.headers.get('retry-after'));
    assert.ok(seconds >= 1 && seconds <= 60, String(seconds));
  }
  await served.client.setQuota('default', { messages: 0 });
  const none = await submit(1);
  assert.deepEqual([none.status, none.headers.get('retry-after')], [409, null]);
});

test('no more messages wait than may, of a project and of all', async () => {
  await using served = await openServed({ limits: { queued: 10 } });
  const later = { plan: plan('nobody serves') };
  const submit = (count: number) =>
    ask(served, 'POST', '/v1/messages', { body: count === 1 ? later : Array(count).fill(later) });
  const never = await submit(11);
  assert.deepEqual([never.status, never.body.code], [400, 'COAX_MESSAGE_TOO_LARGE']);
  assert.match(never.body.detail, /^of 11 messages at once only 10 here may wait/);
  assert.equal((await submit(4)).status, 202);
  assert.equal((await submit(2)).status, 429, 'half of all, where there is no quota');
  assert.equal((await submit(1)).status, 202);
  const full = await submit(1);
  assert.deepEqual([full.status, full.body.code, full.headers.get('retry-after')], [429, 'COAX_RATE', '1']);
  assert.equal((await served.client.quota('default')).used.queued, 5);
  await served.client.setQuota('default', { queued: 100 });
  // Known within a moment, since the queue was full.
  let more = await submit(5);
  while (more.status === 429) more = await submit(5);
  assert.equal(more.status, 202);
  assert.match((await submit(1)).body.detail, /^10 messages (here|of project default) may wait/);
});
