/** What somebody tries who should not be here; see docs/design/security.md. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { ask, openServed, plan, type Served, TOKEN } from '../system/access-fixture.ts';

let served: Served;
const texts = new Map<string, string>();
before(async () => {
  served = await openServed();
  const { identity } = served.services;
  for (const name of ['red', 'blue']) await identity.projects.create(name, {}, 'tester');
  for (const [project, role] of [
    ['red', 'operator'],
    ['blue', 'operator'],
    ['blue', 'admin'],
  ] as const) {
    const wish = { name: `${role}-${project}`, account: null, project, role, ttlMs: null };
    texts.set(wish.name, (await identity.tokens.create(wish, 'tester')).text);
  }
});
after(async () => {
  await served[Symbol.asyncDispose]();
});

const as = (name: string) => texts.get(name)!;

test('rights are given by who has them: no project’s admin reaches beyond it', async () => {
  const token = as('admin-blue');
  const post = (path: string, body: unknown) => ask(served, 'POST', path, { token, body });
  assert.equal((await post('/v1/tokens', { name: 'a', project: '*', role: 'viewer' })).status, 403);
  assert.equal((await post('/v1/tokens', { name: 'b', project: 'red', role: 'viewer' })).status, 404);
  assert.equal((await post('/v1/roles/grant', { subject: 'eve', project: '*', role: 'admin' })).status, 403);
  assert.equal((await post('/v1/accounts', { name: 'c', project: 'red' })).status, 404);
  assert.equal((await post('/v1/tokens', { name: 'd', project: 'blue', role: 'worker' })).status, 400);
  assert.equal((await post('/v1/tokens', { name: 'e', project: 'blue', role: 'admin' })).status, 200);
  const operator = await ask(served, 'POST', '/v1/tokens', {
    token: as('operator-blue'),
    body: { name: 'f', project: 'blue', role: 'viewer' },
  });
  assert.equal(operator.status, 403);
});

test("a flow or a plan of one project does not reach another's VM, reservation or host", async () => {
  const made = await served.client.submit({
    flow: 'create_vm',
    project: 'red',
    parameters: { cpu: 1, mem: 96, name: 'red-vm' },
  });
  await served.client.waitFor(made.msgid, { timeoutMs: 180_000 });
  const token = as('operator-blue');
  const submit = (body: unknown) => ask(served, 'POST', '/v1/messages', { token, body });
  const stopped = await submit({ flow: 'stop_vm', parameters: { name: 'red-vm' } });
  assert.equal(stopped.body.project, 'blue');
  const ended = await served.client.waitFor(stopped.body.msgid, { timeoutMs: 180_000 });
  assert.deepEqual([ended.status, ended.error?.code], ['rolled_back', 'COAX_NOT_FOUND']);
  const own = await ask(served, 'POST', '/v1/messages', {
    token: as('operator-red'),
    body: { flow: 'stop_vm', parameters: { name: 'red-vm' } },
  });
  assert.equal((await served.client.waitFor(own.body.msgid, { timeoutMs: 180_000 })).status, 'done');
  for (const body of [
    { flow: 'drain_host', parameters: { host: 'sim-1' } },
    { flow: 'move_vm', parameters: { name: 'red-vm' } },
    { flow: 'install_package', parameters: { hosts: ['sim-1'], package: 'web' } },
    { plan: plan('host drained') },
    { plan: plan('compute delete_guest'), parameters: { uuid: 'x', host: 'sim-1' } },
    { plan: { steps: [{ all: [{ steps: plan('drain begin').steps }] }] }, parameters: { host: 'sim-1' } },
  ]) {
    const answer = await submit(body);
    assert.deepEqual([answer.status, answer.body.code], [403, 'COAX_FORBIDDEN'], JSON.stringify(body));
  }
  const edit = { to: 0, parameters: { uuid: 'other' } };
  const rewound = await ask(served, 'POST', `/v1/messages/${own.body.msgid}/rewind`, {
    token: as('operator-red'),
    body: edit,
  });
  assert.equal(rewound.status, 403);
});

test("a replayed key meets no other project's message", async () => {
  const headers = { 'idempotency-key': 'k-1' };
  const body = { plan: plan('lab note') };
  const red = await ask(served, 'POST', '/v1/messages', { token: as('operator-red'), body, headers });
  const again = await ask(served, 'POST', '/v1/messages', { token: as('operator-red'), body, headers });
  const blue = await ask(served, 'POST', '/v1/messages', { token: as('operator-blue'), body, headers });
  assert.equal(again.body.msgid, red.body.msgid);
  assert.notEqual(blue.body.msgid, red.body.msgid);
});

/** A path exactly as it is written: fetch would tidy it up. */
function raw(path: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const { hostname, port } = new URL(served.url);
  request({ hostname, port, path, headers: { authorization: `Bearer ${TOKEN}` }, agent: false }, answer => {
    answer.resume();
    resolve(answer.statusCode!);
  })
    .on('error', reject)
    .end();
  return promise;
}

test('paths that climb out lead nowhere', async () => {
  const paths = [
    '/../../etc/passwd',
    '/v1/../../../etc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/v1/flows/..%2f..%2fetc%2fpasswd',
    '/v1/flows/%2e%2e%2ftoken',
    '/v1/vms/..%5c..%5ctoken/console',
    '/errors/..%2f..%2fpackage.json',
    '/v1/commits/..%2f..',
    '/v1/flows/a%00b',
  ];
  for (const path of paths) {
    const status = await raw(path);
    assert.ok(status === 404 || status === 400, `${path}: ${status}`);
  }
});

test('members named __proto__ and constructor change nothing', async () => {
  const text = (member: string) =>
    `{"plan":{"steps":[{"module":"lab","action":"note"}]},"parameters":${member}}`;
  for (const member of ['{"__proto__":{"role":"admin"}}', '{"constructor":{"prototype":{"role":"admin"}}}']) {
    const answer = await ask(served, 'POST', '/v1/messages', { text: text(member) });
    assert.equal(answer.status, 400, member);
  }
  const labels = await ask(served, 'POST', '/v1/projects', {
    text: '{"name":"p","labels":{"__proto__":"x"}}',
  });
  assert.equal(labels.status, 400);
  assert.equal(({} as { role?: string }).role, undefined);
});

test('what comes from outside makes no line of its own in the log', async () => {
  const before = served.logged.length;
  const evil = 'x\r\n{"level":60,"msg":"forged"}';
  await ask(served, 'POST', '/v1/messages', { body: { flow: evil } });
  await ask(served, 'GET', `/v1/flows/${encodeURIComponent(evil)}`);
  await ask(served, 'GET', '/v1/counts', { headers: { 'x-request-id': 'a b"c' } });
  for (const line of served.logged.slice(before)) {
    assert.equal(line.trimEnd().split('\n').length, 1);
    assert.doesNotThrow(() => JSON.parse(line));
  }
  const made = await ask(served, 'POST', '/v1/accounts', {
    body: { name: 'log', project: 'default', about: evil },
  });
  assert.equal(made.status, 200);
  const refused = await ask(served, 'POST', '/v1/roles/grant', {
    body: { subject: 'eve\nadmin', project: 'red', role: 'viewer' },
  });
  assert.equal(refused.status, 400);
});

test('every change stands in the ledger under who made it', async () => {
  const body = { plan: plan('lab note') };
  const { msgid } = (await ask(served, 'POST', '/v1/messages', { token: as('operator-red'), body })).body;
  await served.client.waitFor(msgid, { timeoutMs: 180_000 });
  const reverted = await ask(served, 'POST', `/v1/messages/${msgid}/revert`, { body: { reason: 'a test' } });
  assert.equal(reverted.status, 202);
  const commits = await served.services.store.commits(msgid);
  assert.equal(commits[0]!.actor, 'token/operator-red');
  assert.ok(commits.some(({ actor }) => actor === 'tester'));
});

test('a guess tells nothing: every wrong token is answered alike, and guessing is slowed down', async () => {
  assert.equal((await ask(served, 'GET', '/v1/counts')).status, 200);
  const right = as('operator-red');
  const guesses = ['x', right.slice(0, -1), `${right}x`, right.toUpperCase(), `coax_${'A'.repeat(43)}`];
  const answers = new Set<string>();
  for (const token of guesses) {
    const { status, body } = await ask(served, 'GET', '/v1/messages', { token });
    answers.add(JSON.stringify({ status, ...body, instance: '' }));
  }
  assert.equal(answers.size, 1);
  const statuses = new Set<number>();
  for (let i = 0; i < 400; i++)
    statuses.add((await ask(served, 'GET', '/v1/counts', { token: `coax_${i}` })).status);
  assert.deepEqual([...statuses].sort(), [401, 429]);
  // Who has a good token that was seen before goes on from the same address.
  assert.equal((await ask(served, 'GET', '/v1/counts')).status, 200);
});
