import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { HttpChannel } from '../../src/client/http-channel.ts';
import { isCoaxError } from '../../src/errors/coax-error.ts';
import { openCatalogue } from '../../src/step/catalogue.ts';
import { defineModule } from '../../src/step/define-module.ts';
import { Terminal } from '../../src/step/step-errors.ts';
import { Worker } from '../../src/worker/worker.ts';
import { ask, Gates, openServed, plan, type Served, TOKEN } from './access-fixture.ts';

function openRemote(served: Served, gates: Gates, name = 'remote') {
  const away = defineModule({
    name: 'away',
    actions: {
      add: {
        input: z.object({ a: z.number() }),
        output: z.object({ sum: z.number() }),
        do: ({ a }) => ({ sum: a + 1 }),
        undo: () => {},
      },
      hold: {
        input: z.object({ gate: z.string() }),
        output: z.object({}),
        async do({ gate }, call) {
          await gates.pass(gate, call.signal);
          return {};
        },
        undo: () => {},
      },
      fail: {
        input: z.object({}),
        output: z.object({}),
        do: () => {
          throw new Terminal('not here');
        },
        undo: () => {},
      },
    },
  });
  const channel = new HttpChannel({ url: served.url, token: TOKEN });
  const faults: unknown[] = [];
  const worker = new Worker({
    name,
    channel,
    catalogue: openCatalogue({ builtin: [away], dirs: [] }),
    addresses: () => ['away'],
    now: () => Date.now(),
    onFault: fault => void faults.push(fault),
  });
  return {
    channel,
    faults,
    async close() {
      await worker.drain(0);
      channel.close();
    },
  };
}

test('the same worker serves over HTTP: steps, undo, and a cancel that reaches it', async () => {
  await using served = await openServed();
  const { client } = served;
  const gates = new Gates();
  const remote = openRemote(served, gates);
  try {
    const sum = await client.submit({ plan: plan('away add', 'lab note', 'away add'), parameters: { a: 1 } });
    const done = await client.waitFor(sum.msgid, { timeoutMs: 180_000 });
    assert.equal(done.status, 'done');
    assert.equal(done.parameters.sum, 2);
    const { items } = await client.commits(sum.msgid, { order: 'oldest' });
    assert.deepEqual(
      items.map(({ worker }) => worker),
      [null, 'remote', 'w1', 'remote'],
    );
    assert.match(items[1]?.code ?? '', /^[0-9a-f]{64}$/);

    const bad = await client.submit({ plan: plan('away add', 'away fail'), parameters: { a: 1 } });
    const back = await client.waitFor(bad.msgid, { timeoutMs: 180_000 });
    assert.equal(back.status, 'rolled_back');
    assert.equal(back.parameters.sum, undefined);

    const held = await client.submit({ plan: plan('away hold'), parameters: { gate: 'remote' } });
    await gates.reached('remote');
    assert.ok(
      (await client.workers()).items.some(
        ({ name, role, steps }) => name === 'remote' && role === 'http' && steps === 1,
      ),
    );
    await client.cancel(held.msgid, { reason: 'enough' });
    assert.equal((await client.waitFor(held.msgid, { timeoutMs: 180_000 })).cause, 'cancelled');
    assert.deepEqual(remote.faults, []);
  } finally {
    await remote.close();
  }
});

test("a worker's death is seen when its session closes: another takes its step at once", async () => {
  await using served = await openServed();
  const { client } = served;
  const dead = new HttpChannel({ url: served.url, token: TOKEN });
  const { msgid } = await client.submit({ plan: plan('away add'), parameters: { a: 1 } });
  const wish = { worker: 'dead', addresses: ['away'], limit: 1, leaseMs: 3_600_000, waitMs: 10_000 };
  const [claim] = await dead.claim(wish);
  assert.equal(claim?.msgid, msgid);
  dead.close();
  const living = openRemote(served, new Gates(), 'living');
  try {
    // The lease is an hour long, so only the session's end can have freed it.
    assert.equal((await client.waitFor(msgid, { timeoutMs: 180_000 })).status, 'done');
    assert.equal((await client.commits(msgid)).items[0]?.worker, 'living');
    assert.equal((await client.fsck()).ok, true);
  } finally {
    await living.close();
  }
});

test('the worker protocol in bare HTTP: claim, extend, finish, release, and the late writer', async () => {
  await using served = await openServed();
  const { client } = served;
  const post = (verb: string, body: unknown) => ask(served, 'POST', `/v1/channel/${verb}`, { body });
  const { msgid } = await client.submit({ plan: plan('away add', 'away more'), parameters: { a: 1 } });
  const claimed = await post('claim', { worker: 'sh-1', addresses: ['away'], limit: 5, waitMs: 10_000 });
  assert.equal(claimed.status, 200);
  const [claim] = claimed.body.items;
  assert.equal(claim.msgid, msgid);
  assert.deepEqual(
    { ...claim.step, timeoutMs: 0 },
    {
      index: 0,
      module: 'away',
      action: 'add',
      mode: 'normal',
      attempt: 1,
      key: `${msgid}.0`,
      host: null,
      timeoutMs: 0,
      parameters: { a: 1 },
      output: {},
      secrets: [],
      traceparent: null,
      tracestate: null,
    },
  );
  const { fence } = claim;
  const held = await post('extend', { claims: [{ msgid, fence }], leaseMs: 60_000 });
  assert.deepEqual(held.body.items, ['held']);
  const times = { started: 1, finished: 2 };
  const forged = await post('finish', { msgid, fence, ...times, outcome: { kind: 'ok', set: { 'a b': 1 } } });
  assert.equal(forged.body.code, 'COAX_MESSAGE_INVALID');
  const stranger = await post('finish', {
    worker: 'sh-2',
    msgid,
    fence,
    ...times,
    outcome: { kind: 'ok', set: {} },
  });
  assert.equal(stranger.body.kind, 'lost');
  const kept = await post('finish', {
    msgid,
    fence,
    ...times,
    outcome: { kind: 'ok', set: { sum: 2 } },
    keepAt: ['away'],
  });
  assert.equal(kept.body.kind, 'written');
  assert.equal(kept.body.claim.step.action, 'more');
  assert.deepEqual(kept.body.claim.step.parameters, { a: 1, sum: 2 });
  const late = await post('finish', {
    msgid,
    fence: kept.body.claim.fence + 1,
    ...times,
    outcome: { kind: 'ok', set: {} },
  });
  assert.equal(late.body.kind, 'lost');
  const back = await post('release', { claims: [{ msgid, fence: kept.body.claim.fence }], begun: false });
  assert.equal(back.status, 200);
  const again = await post('claim', { worker: 'sh-2', addresses: ['away'], waitMs: 10_000 });
  assert.equal(again.body.items[0]?.msgid, msgid);
  const old = await post('finish', {
    msgid,
    fence: kept.body.claim.fence,
    ...times,
    outcome: { kind: 'ok', set: {} },
  });
  assert.equal(old.body.kind, 'lost');
  const none = await post('claim', { worker: 'sh-3', addresses: ['@group'] });
  assert.equal(none.status, 400, 'groups are the server’s own');
});

test('a transactional step cannot be finished from afar', async () => {
  await using served = await openServed();
  const channel = new HttpChannel({ url: served.url, token: TOKEN });
  try {
    const { msgid } = await served.client.submit({ plan: plan('away add'), parameters: { a: 1 } });
    const wish = { worker: 'tx', addresses: ['away'], limit: 1, leaseMs: 60_000, waitMs: 10_000 };
    const [claim] = await channel.claim(wish);
    assert.equal(claim?.msgid, msgid);
    const finish = { claim: claim!, code: null, started: 1, finished: 2 };
    await assert.rejects(
      channel.finish({ ...finish, outcome: async () => ({ kind: 'ok', set: {} }) }),
      error => isCoaxError(error, 'COAX_STEP_START'),
    );
  } finally {
    channel.close();
  }
});

test('a claim whose caller hung up goes back at once', async () => {
  await using served = await openServed();
  const { client } = served;
  const hangUp = new AbortController();
  const waiting = fetch(`${served.url}/v1/channel/claim`, {
    method: 'POST',
    signal: hangUp.signal,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ worker: 'gone', addresses: ['away'], waitMs: 60_000 }),
  }).catch(() => null);
  hangUp.abort();
  await waiting;
  const { msgid } = await client.submit({ plan: plan('away add'), parameters: { a: 1 } });
  const { body } = await ask(served, 'POST', '/v1/channel/claim', {
    body: { worker: 'here', addresses: ['away'], waitMs: 10_000 },
  });
  assert.equal(body.items[0]?.msgid, msgid);
});
