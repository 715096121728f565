import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CommitPage } from '../../src/api/commit.ts';
import { MessagePage, MessageView } from '../../src/api/message.ts';
import { makeClient } from '../../src/client/client.ts';
import { CoaxError, isCoaxError } from '../../src/errors/coax-error.ts';
import { ask, openServed, plan, type Served, TOKEN } from './access-fixture.ts';

let served: Served;
before(async () => {
  served = await openServed();
});
after(async () => {
  await served[Symbol.asyncDispose]();
});

const code = (wanted: string) => (error: unknown) => isCoaxError(error) && error.code === wanted;

test('a message is accepted, done, and read in every way', async () => {
  const { client } = served;
  const accepted = await client.submit({
    flow: 'create_vm',
    parameters: { cpu: 2, mem: 256, name: 'web-1' },
  });
  assert.equal(accepted.flow, 'create_vm');
  const events: number[] = [];
  const done = await client.waitFor(accepted.msgid, {
    timeoutMs: 180_000,
    onEvent: event => event.type === 'commit' && events.push(...event.commits.map(({ seq }) => seq)),
  });
  assert.equal(done.status, 'done');
  assert.deepEqual(
    events,
    events.map((_, i) => i),
    'every commit is told once, in order, from the first one on',
  );
  assert.equal(events.at(-1), done.seq);
  assert.deepEqual(
    done.steps.map(({ state }) => state),
    ['done', 'done', 'done', 'done'],
  );
  assert.equal(done.simulated, true);
  assert.ok(done.steps.every(({ code, codeChanged }) => code !== null && !codeChanged));
  MessageView.parse(done);

  const { items: log } = CommitPage.parse(await client.commits(accepted.msgid, { order: 'oldest' }));
  assert.equal(log.length, done.seq + 1);
  assert.equal(log[0]?.outcome, 'accepted');
  assert.equal(log[0]?.actor, 'tester');
  const chosen = log.find(({ step }) => step === 'resource select_host')!;
  const show = await client.commit(chosen.id.slice(0, 12));
  assert.equal(show.commit.id, chosen.id);
  assert.equal(show.before.host, undefined);
  assert.equal(show.parameters.host, done.parameters.host);
  const { items: blamed } = await client.blame(accepted.msgid, 'host');
  assert.equal(blamed[0]?.commit, chosen.id);
  const why = await client.why(accepted.msgid);
  assert.equal(why.host, done.parameters.host);
  assert.ok(why.filters.length > 0 && why.candidates.length > 0);

  assert.ok((await client.vms()).items.some(({ name }) => name === 'web-1'));
  assert.equal((await client.vm('web-1')).msgid, accepted.msgid);
  assert.equal(typeof (await client.console('web-1')).text, 'string');
  assert.ok((await client.hosts()).items.every(({ simulated }) => simulated));
  const [network] = (await client.networks()).items;
  assert.ok((await client.network(network!.name)).allocations?.some(({ msgid }) => msgid === accepted.msgid));
  assert.ok((await client.flows()).items.some(({ name }) => name === 'create_vm'));
  assert.match((await client.flow('create_vm')).source ?? '', /select_host/);
  assert.deepEqual(
    (await client.lint({ name: 'create_vm' })).items.filter(({ level }) => level === 'error'),
    [],
  );
  assert.ok((await client.lint({ text: 'name: x\nsteps: [nope nope]\n' })).items.length > 0);
  assert.ok(
    (await client.steps()).items.some(({ module, action }) => `${module} ${action}` === 'network alloc_ip'),
  );
  assert.equal((await client.workers()).items[0]?.name, 'w1');
  assert.ok((await client.doctor()).items.length > 0);
  assert.equal((await client.fsck()).ok, true);
  assert.equal((await client.ready()).simulated, true);
  assert.ok((await client.counts()).done >= 1);
  let exported = '';
  for await (const chunk of client.exportGit()) exported += chunk.toString();
  assert.match(exported, /^(feature done|blob|reset|commit)/m);

  const removed = await client.removeVm('web-1', { reason: 'test' });
  assert.equal(removed.msgid, accepted.msgid);
  const gone = await client.waitFor(accepted.msgid, { timeoutMs: 180_000 });
  assert.equal(gone.status, 'rolled_back');
  assert.equal(gone.cause, 'reverted');
  assert.ok(gone.steps.every(({ state }) => state === 'undone'));
  await assert.rejects(client.vm('web-1'), code('COAX_NOT_FOUND'));
});

test('an error crosses the wire whole', async () => {
  const error = await served.client
    .submit({ flow: 'create_vm', parameters: { cpu: 'two', memm: 1 } })
    .catch(e => e);
  assert.ok(error instanceof CoaxError);
  assert.equal(error.code, 'COAX_PARAMETERS_INVALID');
  assert.equal(error.exitStatus, 2);
  assert.match(error.hint, /coax run create_vm/);
  assert.deepEqual(error.faults.map(({ where }) => where).sort(), [
    '/parameters/cpu',
    ...error.faults.map(({ where }) => where).filter(where => /\/parameters\/(mem|name)$/.test(where)),
    '/parameters/memm',
  ]);
  await assert.rejects(served.client.submit({ flow: 'create_wm' }), code('COAX_FLOW_NOT_FOUND'));
  await assert.rejects(served.client.message(999_999), code('COAX_MESSAGE_NOT_FOUND'));
  const nobody = makeClient({ url: 'http://127.0.0.1:1', token: TOKEN });
  await assert.rejects(
    nobody.counts(),
    error => isCoaxError(error, 'COAX_SERVER_UNREACHABLE') && error.exitStatus === 6,
  );
});

test('an array is accepted whole, or refused whole with the place of every fault', async () => {
  const good = { plan: plan('lab note') };
  const before = await served.client.counts();
  const refused = await ask(served, 'POST', '/v1/messages', {
    body: [good, { flow: 'create_vm', parameters: { cpu: 0, mem: 256 } }, good, { flow: 'create_vm', zz: 1 }],
  });
  assert.equal(refused.status, 400);
  const places = refused.body.faults.map(({ where }: { where: string }) => where);
  assert.ok(places.includes('/1/parameters/cpu'), places.join());
  assert.ok(places.includes('/3/zz'), places.join());
  assert.ok(!places.some((where: string) => /^\/[02]\//.test(where)));
  const sum = (counts: Record<string, number>) => Object.values(counts).reduce((a, b) => a + b, 0);
  assert.equal(sum(await served.client.counts()), sum(before));

  const { items } = await served.client.submitMany([good, good, good], { key: 'three' });
  assert.deepEqual(
    items.map(item => 'msgid' in item && item.created),
    [true, true, true],
  );
  const again = await served.client.submitMany([good, good, good], { key: 'three' });
  assert.deepEqual(
    again.items.map(item => 'msgid' in item && [item.msgid, item.created]),
    items.map(item => 'msgid' in item && [item.msgid, false]),
  );
  const other = await served.client.submitMany([good, { plan: plan('lab note', 'lab note') }], {
    key: 'three',
  });
  const [first, second] = other.items;
  assert.ok(first && 'msgid' in first && !first.created);
  assert.ok(second && 'error' in second && second.error.code === 'COAX_IDEMPOTENCY_CONFLICT');
});

test('the same key and body give the same message; another body under it is a conflict', async () => {
  const body = { plan: plan('lab note') };
  const first = await served.client.submit(body, { key: 'k-1' });
  assert.equal((await served.client.submit(body, { key: 'k-1' })).msgid, first.msgid);
  const byBody = await ask(served, 'POST', '/v1/messages', { body: { ...body, key: 'k-1' } });
  assert.equal(byBody.body.msgid, first.msgid);
  await assert.rejects(
    served.client.submit({ plan: plan('lab note', 'lab note') }, { key: 'k-1' }),
    error =>
      isCoaxError(error, 'COAX_IDEMPOTENCY_CONFLICT') && error.httpStatus === 409 && error.exitStatus === 5,
  );
  const bad = await ask(served, 'POST', '/v1/messages', { body, headers: { 'idempotency-key': 'a b' } });
  assert.equal(bad.status, 400);
});

test('Prefer: wait holds the answer until the message rests, and no longer than asked', async () => {
  const { client, gates } = served;
  const done = await ask(served, 'POST', '/v1/messages', {
    body: { plan: plan('lab note') },
    headers: { prefer: 'respond-async, wait=30' },
  });
  assert.equal(done.status, 200);
  assert.equal(done.body.status, 'done');
  assert.equal(done.headers.get('preference-applied'), 'wait=30');
  const held = await ask(served, 'POST', '/v1/messages', {
    body: { plan: plan('lab gate'), parameters: { gate: 'prefer' } },
    headers: { prefer: 'wait=0.2' },
  });
  assert.equal(held.status, 202);
  assert.equal(held.headers.get('location'), `/v1/messages/${held.body.msgid}`);
  const waiting = client.message(held.body.msgid, { waitMs: 30_000 });
  gates.open('prefer');
  assert.equal((await waiting).status, 'done');
});

test('waitFor ends in time with the message going on, and outlives a restart of the server', async () => {
  const { client, gates } = served;
  const { msgid } = await client.submit({
    plan: plan('lab gate', 'lab note'),
    parameters: { gate: 'restart' },
  });
  await assert.rejects(
    client.waitFor(msgid, { timeoutMs: 100 }),
    error => isCoaxError(error, 'COAX_WAIT_TIMEOUT') && error.exitStatus === 8,
  );
  const seqs: number[] = [];
  const heard = Promise.withResolvers<void>();
  const waiting = client.waitFor(msgid, {
    timeoutMs: 180_000,
    onEvent: event => {
      if (event.type === 'commit') seqs.push(...event.commits.map(({ seq }) => seq));
      heard.resolve();
    },
  });
  await heard.promise;
  await served.restart();
  gates.open('restart');
  assert.equal((await waiting).status, 'done');
  assert.deepEqual(seqs, [0, 1, 2]);
});

test('pages of messages and of commits join without gap or repetition', async () => {
  const { client } = served;
  const made = await client.submitMany(
    Array.from({ length: 7 }, () => ({ plan: plan('lab note'), name: 'paged' })),
  );
  const all = made.items.map(item => ('msgid' in item ? item.msgid : 0)).reverse();
  const seen: number[] = [];
  let cursor: string | undefined;
  do {
    const page: MessagePage = await client.messages({ flow: 'paged', limit: 3, ...(cursor && { cursor }) });
    MessagePage.parse(page);
    seen.push(...page.items.map(({ msgid }) => msgid));
    cursor = page.next;
  } while (cursor);
  assert.deepEqual(seen, all);
  const { msgid } = await client.submit({ plan: plan('lab note', 'lab note', 'lab note', 'lab note') });
  await client.waitFor(msgid, { timeoutMs: 180_000 });
  for (const order of ['newest', 'oldest'] as const) {
    const seqs: number[] = [];
    let at: string | undefined;
    do {
      const page: CommitPage = await client.commits(msgid, { order, limit: 2, ...(at && { cursor: at }) });
      seqs.push(...page.items.map(({ seq }) => seq));
      at = page.next;
    } while (at);
    assert.deepEqual(seqs, order === 'oldest' ? [0, 1, 2, 3, 4] : [4, 3, 2, 1, 0]);
  }
  await assert.rejects(client.messages({ cursor: 'bm9wZQ' }), code('COAX_MESSAGE_INVALID'));
  assert.equal(
    (await ask(served, 'GET', '/v1/messages?stauts=done')).status,
    400,
    'a misspelt filter is not ignored',
  );
});

test('decisions: cancel, rewind, resolve, fork, diff', async () => {
  const { client, gates } = served;
  const { msgid } = await client.submit({
    plan: plan('lab note', 'lab gate', 'lab note'),
    parameters: { gate: 'c1' },
  });
  await gates.reached('c1');
  await client.cancel(msgid, { reason: 'changed my mind' });
  const cancelled = await client.waitFor(msgid, { timeoutMs: 180_000 });
  assert.equal(cancelled.cause, 'cancelled');
  assert.deepEqual(
    cancelled.steps.map(({ state }) => state),
    ['undone', 'undone', 'pending'],
  );
  await assert.rejects(client.cancel(msgid), code('COAX_MESSAGE_STATE'));

  const failed = await client.submit({ plan: plan('lab note', 'lab fail', 'lab note') });
  const rolled = await client.waitFor(failed.msgid, { timeoutMs: 180_000 });
  assert.equal(rolled.status, 'rolled_back');
  assert.match(rolled.error?.reason ?? '', /said no/);
  assert.match((await client.why(failed.msgid)).reason, /said no/);

  const stuck = await client.submit({ plan: plan('lab stick', 'lab fail') });
  const parked = await client.waitFor(stuck.msgid, { timeoutMs: 180_000 });
  assert.equal(parked.status, 'parked');
  assert.equal(parked.steps[0]?.state, 'undoing');
  await client.resolve(stuck.msgid, { how: 'undone', reason: 'by hand' });
  assert.equal((await client.waitFor(stuck.msgid, { timeoutMs: 180_000 })).status, 'rolled_back');

  const whole = await client.submit({ plan: plan('lab note', 'lab gate'), parameters: { gate: 'open' } });
  gates.open('open');
  await client.waitFor(whole.msgid, { timeoutMs: 180_000 });
  await client.rewind(whole.msgid, { to: 'lab gate', parameters: { extra: 1 }, reason: 'again' });
  const again = await client.waitFor(whole.msgid, { timeoutMs: 180_000 });
  assert.equal(again.status, 'done');
  assert.equal(again.parameters.extra, 1);
  await assert.rejects(
    client.rewind(whole.msgid, { to: 'lab gat' }),
    error => isCoaxError(error) && /did you mean/.test(error.reason),
  );
  await assert.rejects(
    client.rewind(whole.msgid, { to: 0, parameters: { constructor: 1 } }),
    code('COAX_MESSAGE_INVALID'),
  );

  const { items } = await client.commits(whole.msgid, { order: 'oldest' });
  const forked = await client.fork(items[1]!.id.slice(0, 16), {
    parameters: { extra: 2 },
    reason: 'what if',
  });
  assert.notEqual(forked.msgid, whole.msgid);
  const end = await client.waitFor(forked.msgid, { timeoutMs: 180_000 });
  assert.equal(end.parameters.extra, 2);
  const messages = await client.diff(whole.msgid, forked.msgid);
  assert.equal(messages.kind, 'messages');
  const commits = await client.diff(items[0]!.id, items[1]!.id);
  assert.equal(commits.kind, 'commits');
  await assert.rejects(client.diff('zz', 1), code('COAX_MESSAGE_INVALID'));
  await assert.rejects(client.commit('ffffffffffff'), code('COAX_COMMIT_NOT_FOUND'));
});

test('requests that are wrong as such get a problem, and never a stack', async () => {
  const cases: [string, string, Parameters<typeof ask>[3], number, string][] = [
    ['GET', '/v1/counts', { token: null }, 401, 'COAX_AUTH_MISSING'],
    ['GET', '/v1/counts', { token: 'coax_wrong' }, 401, 'COAX_AUTH_MISSING'],
    [
      'GET',
      '/v1/counts',
      { token: null, headers: { authorization: 'Basic eDp5' } },
      401,
      'COAX_AUTH_MISSING',
    ],
    ['GET', '/v1/nothing', {}, 404, 'COAX_NOT_FOUND'],
    ['GET', '/v1/vms/%zz', {}, 404, 'COAX_NOT_FOUND'],
    ['DELETE', '/v1/messages', {}, 405, 'COAX_METHOD_NOT_ALLOWED'],
    ['POST', '/v1/nothing', {}, 404, 'COAX_NOT_FOUND'],
    ['POST', '/v1/messages', { text: '{"flow": ' }, 400, 'COAX_MESSAGE_INVALID'],
    ['POST', '/v1/messages', { text: '' }, 400, 'COAX_MESSAGE_INVALID'],
    ['POST', '/v1/messages', { text: '[]' }, 400, 'COAX_MESSAGE_INVALID'],
    ['POST', '/v1/messages', { text: 'null' }, 400, 'COAX_MESSAGE_INVALID'],
    [
      'POST',
      '/v1/messages',
      { text: '{"flow":"create_vm","parameters":{"__proto__":{"x":1}}}' },
      400,
      'COAX_MESSAGE_INVALID',
    ],
    [
      'POST',
      '/v1/messages',
      { text: '{"flow":"create_vm","parameters":{"constructor":{"prototype":{"x":1}}}}' },
      400,
      'COAX_MESSAGE_INVALID',
    ],
    [
      'POST',
      '/v1/messages',
      { text: `{"plan":${JSON.stringify(plan('lab note'))},"parameters":{"n":9007199254740993}}` },
      400,
      'COAX_MESSAGE_INVALID',
    ],
    [
      'POST',
      '/v1/messages',
      { text: '<x/>', headers: { 'content-type': 'text/xml' } },
      415,
      'COAX_MESSAGE_INVALID',
    ],
    ['POST', '/v1/messages', { text: `[${'1,'.repeat(8_400_000)}1]` }, 413, 'COAX_MESSAGE_TOO_LARGE'],
    [
      'POST',
      '/v1/messages',
      { body: { plan: plan('lab note'), parameters: { big: 'x'.repeat(1_100_000) } } },
      400,
      'COAX_MESSAGE_TOO_LARGE',
    ],
    ['GET', '/v1/events', { headers: { 'last-event-id': 'nonsense' } }, 400, 'COAX_MESSAGE_INVALID'],
    ['GET', '/v1/events?msgid=999999', {}, 404, 'COAX_MESSAGE_NOT_FOUND'],
  ];
  for (const [method, path, options, status, wanted] of cases) {
    const { status: got, type, body } = await ask(served, method, path, options);
    const shown = `${method} ${path} ${options?.text?.slice(0, 60) ?? ''}: ${JSON.stringify(body).slice(0, 300)}`;
    assert.equal(got, status, shown);
    assert.match(type, /^application\/problem\+json/, shown);
    assert.equal(body.code, wanted, shown);
    assert.equal(body.status, status, shown);
    assert.ok(!JSON.stringify(body).includes('    at '), shown);
  }
  assert.equal(({} as { x?: number }).x, undefined);
  assert.equal((await ask(served, 'GET', '/livez', { token: null })).status, 200);
  assert.equal((await ask(served, 'GET', '/openapi.json', { token: null })).status, 200);
});

test('a defect shows its incident, and the log has the rest', async () => {
  const original = served.services.fsck;
  (served.services as { fsck: unknown }).fsck = async () => {
    throw new TypeError('secret detail of the inside');
  };
  try {
    const { status, body } = await ask(served, 'POST', '/v1/fsck');
    assert.equal(status, 500);
    assert.equal(body.code, 'COAX_INTERNAL');
    assert.ok(!JSON.stringify(body).includes('secret'));
    const line = served.logged.find(line => line.includes(body.instance));
    assert.match(line ?? '', /secret detail of the inside/);
  } finally {
    (served.services as { fsck: unknown }).fsck = original;
    served.logged.length = 0;
  }
});

test('the API is served on a Unix socket', async () => {
  await using other = await openServed({ listen: 'unix' });
  const { msgid } = await other.client.submit({ plan: plan('lab note') });
  assert.equal((await other.client.waitFor(msgid, { timeoutMs: 180_000 })).status, 'done');
});
