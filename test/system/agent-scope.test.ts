/** What the session of one host opens, and that it opens nothing else: each operation, and each way to reach for more. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { HttpChannel } from '../../src/client/http-channel.ts';
import { agentTables } from '../../src/cloud/agents/schema.ts';
import { isCoaxError } from '../../src/errors/coax-error.ts';
import { type Answer, ask, openServed, type Served, TOKEN } from './access-fixture.ts';
import { HostKey, join, reportOf, sessionOf, tokenFor } from './agent-fixture.ts';

/** Two hosts that have joined, with a session each. */
async function openTwo(served: Served) {
  const { agents } = served.services;
  const keys = { ha: await join(agents, 'ha'), hb: await join(agents, 'hb') };
  const a = await sessionOf(agents, 'ha', keys.ha);
  const b = await sessionOf(agents, 'hb', keys.hb);
  const as = (token: string) => (method: string, path: string, body?: unknown) =>
    ask(served, method, path, { token, ...(body !== undefined && { body }) });
  return { keys, tokens: { a, b }, asA: as(a), asB: as(b), agents };
}

const atHost = (host: string) => ({
  plan: { steps: [{ module: 'away', action: 'note', at: 'host' }] },
  parameters: { host },
});
const claimAt = (host: string, worker = `agent/${host}`, module = 'away') => ({
  worker,
  addresses: [host === '' ? module : `${module}@${host}`],
});
const ended = (ref: object, more: object = {}) => ({
  ...ref,
  outcome: { kind: 'ok', set: {} },
  started: 1,
  finished: 2,
  ...more,
});
const refOf = ({ msgid, fence }: { msgid: number; fence: number }) => ({ msgid, fence });

function assertForbidden(answer: Answer, what: string): void {
  assert.deepEqual([answer.status, answer.body.code], [403, 'COAX_FORBIDDEN'], what);
}

/** Signing in checks what it is given; the rest tells nothing of anybody else. */
const OF_ANYONE = [
  ...['agentChallenge', 'agentSession', 'enrol', 'livez', 'readyz', 'whoami'],
  ...['signIn', 'signOut', 'signInMethods', 'logIn', 'logInEnd', 'exchangeLogin', 'signInByTicket'],
];

test('of all operations a host may use those that are marked as its own, and no other', async () => {
  await using served = await openServed();
  const { asA } = await openTwo(served);
  const { body: document } = await ask(served, 'GET', '/openapi.json');
  const open: string[] = [];
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods as Record<string, { operationId: string }>).map(([method, operation]) => ({
      path: path.replace('{host}', 'ha').replace(/\{\w+\}/g, '1'),
      method: method.toUpperCase(),
      id: operation.operationId,
    })),
  );
  for (const { path, method, id } of all) {
    // Nothing is asked for in the right form: who is let in hears that, and who is not hears nothing of it.
    const answer = await asA(method, path, method === 'GET' ? undefined : { none: 1 });
    if (answer.status !== 403) open.push(id);
    else assert.equal(answer.body.code, 'COAX_FORBIDDEN', id);
  }
  assert.ok(all.length > 40);
  const itsOwn = [
    'agentGoodbye',
    'agentReport',
    'claim',
    'extend',
    'finish',
    'hello',
    'release',
    'repositoryFile',
    'session',
  ];
  assert.deepEqual(open.sort(), [...itsOwn, 'reveal', ...OF_ANYONE].sort());
  for (const path of ['/metrics', '/v1/messages', '/v1/agents/ha/revoke', '/v1/join-tokens'])
    assertForbidden(await asA(path === '/metrics' || path === '/v1/messages' ? 'GET' : 'POST', path), path);
});

test('an agent of the version before says goodbye without a body: its host is down, and is not waited for', async () => {
  await using served = await openServed();
  const { asA, asB } = await openTwo(served);
  for (const as of [asA, asB])
    assert.equal((await as('PUT', `/v1/agents/${as === asA ? 'ha' : 'hb'}/report`, reportOf())).status, 200);
  assert.deepEqual((await asA('POST', '/v1/agents/ha/goodbye')).body, { ok: true });
  assert.deepEqual((await asB('POST', '/v1/agents/hb/goodbye', { returns: true })).body, { ok: true });
  const lease = async (host: string) => {
    const { seen, lease_until } = await agentTables(served.store.reader)
      .selectFrom('agents')
      .select(['seen', 'lease_until'])
      .where('host', '=', host)
      .executeTakeFirstOrThrow();
    return Number(lease_until) - Number(seen);
  };
  assert.equal(await lease('ha'), 0);
  assert.ok((await lease('hb')) > 0);
});

test('a key that was stolen from one host does nothing for, or to, another', async () => {
  await using served = await openServed();
  const { asA, asB } = await openTwo(served);
  const { msgid } = await served.client.submit(atHost('hb'));
  const claimed = await asB('POST', '/v1/channel/claim', claimAt('hb'));
  const claim = claimed.body.items[0];
  assert.equal(claim.msgid, msgid);
  const refs = { claims: [refOf(claim)] };
  const hello = { protocol: 1, worker: 'agent/ha' };
  const attempts: [what: string, method: string, path: string, body?: unknown][] = [
    ["another's address", 'POST', 'channel/claim', { ...claimAt('hb'), worker: 'agent/ha' }],
    ["another's name", 'POST', 'channel/claim', claimAt('ha', 'agent/hb')],
    ['a name that begins with its own', 'POST', 'channel/claim', claimAt('ha', 'agent/ha2')],
    ['a name beneath its own', 'POST', 'channel/claim', claimAt('ha', 'agent/ha/2')],
    ['an address that begins with its own', 'POST', 'channel/claim', claimAt('ha2', 'agent/ha')],
    ['a module of all hosts', 'POST', 'channel/claim', claimAt('', 'agent/ha')],
    ['its own and another', 'POST', 'channel/claim', { worker: 'agent/ha', addresses: ['x@ha', 'x@hb'] }],
    ['extend', 'POST', 'channel/extend', refs],
    ['release', 'POST', 'channel/release', refs],
    ['finish', 'POST', 'channel/finish', ended(refOf(claim))],
    ["finish in another's name", 'POST', 'channel/finish', ended(refOf(claim), { worker: 'agent/hb' })],
    ['finish in its own name', 'POST', 'channel/finish', ended(refOf(claim), { worker: 'agent/ha' })],
    [
      "another's secrets, in its name",
      'POST',
      'channel/reveal',
      { ...refOf(claim), worker: 'agent/hb', names: [] },
    ],
    ['hello', 'POST', 'channel/hello', { ...hello, worker: 'agent/hb' }],
    ['hello of another host', 'POST', 'channel/hello', { ...hello, host: 'hb' }],
    ['session', 'GET', 'channel/session?worker=agent/hb'],
    ['report', 'PUT', 'agents/hb/report', reportOf()],
    ['report, written otherwise', 'PUT', 'agents/h%62/report', reportOf()],
  ];
  for (const [what, method, path, body] of attempts)
    assertForbidden(await asA(method, `/v1/${path}`, body), what);
  assert.deepEqual((await asB('POST', '/v1/channel/extend', refs)).body.items, ['held']);
  const reveal = { ...refOf(claim), worker: 'agent/ha', names: ['password'] };
  assert.deepEqual((await asA('POST', '/v1/channel/reveal', reveal)).body, { kind: 'lost' });
  // A fence that is over is nobody's, and the answer does not tell more.
  const over = { msgid, fence: claim.fence + 1 };
  assert.deepEqual((await asA('POST', '/v1/channel/extend', { claims: [over] })).body.items, ['lost']);
  assert.equal((await asA('POST', '/v1/channel/finish', ended(over))).body.kind, 'lost');
  assert.equal((await asB('POST', '/v1/channel/finish', ended(refOf(claim)))).body.kind, 'written');
  assert.equal((await served.client.message(msgid)).status, 'done');
});

test('a host does what is addressed to it, but not in the place of another worker, and sends nothing elsewhere', async () => {
  await using served = await openServed();
  const { asA } = await openTwo(served);
  const { msgid } = await served.client.submit(atHost('ha'));
  const theirs = (await ask(served, 'POST', '/v1/channel/claim', { body: claimAt('ha', 'w9') })).body
    .items[0];
  assertForbidden(await asA('POST', '/v1/channel/finish', ended(refOf(theirs))), 'held by w9');
  await ask(served, 'POST', '/v1/channel/release', { body: { claims: [refOf(theirs)], begun: false } });

  const claim = (await asA('POST', '/v1/channel/claim', claimAt('ha'))).body.items[0];
  assert.equal(claim.msgid, msgid);
  const finish = (more: object) => asA('POST', '/v1/channel/finish', ended(refOf(claim), more));
  assertForbidden(await finish({ keepAt: ['away@ha', 'away@hb'] }), 'keepAt');
  assertForbidden(await finish({ outcome: { kind: 'ok', set: { host: 'hb' } } }), 'the next step elsewhere');
  const set = { host: 'ha', noted: 1 };
  const written = await finish({ outcome: { kind: 'ok', set }, keepAt: ['away@ha'] });
  assert.equal(written.body.kind, 'written');
  assert.equal((await served.client.message(msgid)).parameters.noted, 1);
  assert.equal((await asA('PUT', '/v1/agents/ha/report', reportOf())).body.state, 'up');
});

test('the serial line of a VM is not opened by a host', async () => {
  await using served = await openServed();
  const { tokens } = await openTwo(served);
  const upgrade = (token: string, path = '/v1/vms/none/serial') => {
    const key = Buffer.alloc(16).toString('base64');
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': key,
      authorization: `Bearer ${token}`,
    };
    const asked = request(`${served.url}${path}`, { headers });
    asked.end();
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    asked.on('error', reject);
    asked.on('response', answer => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.on('upgrade', (_answer, socket) => {
      socket.destroy();
      resolve(101);
    });
    return promise;
  };
  assert.equal(await upgrade(TOKEN), 404, 'a person is let in, and there is no such VM');
  assert.equal(await upgrade(tokens.a), 401);

  // The connection that carries the lines of a host's guests is that host's alone.
  assert.equal(await upgrade(tokens.a, '/v1/agents/ha/serial'), 101);
  assert.equal(await upgrade(tokens.a, '/v1/agents/hb/serial'), 403);
  assert.equal(await upgrade(TOKEN, '/v1/agents/ha/serial'), 403);
  assert.equal(await upgrade('wrong', '/v1/agents/ha/serial'), 401);
});

test('shutting a host out ends what is open: its stream, its claims, and a claim that waits', async () => {
  await using served = await openServed();
  const { agents, keys, tokens, asA } = await openTwo(served);
  const held = await served.client.submit(atHost('ha'));
  const channel = new HttpChannel({ url: served.url, token: tokens.a });
  const lost = Promise.withResolvers<void>();
  channel.onLost('agent/ha', () => lost.resolve());
  const [claim] = await channel.claim({ ...claimAt('ha'), limit: 1, leaseMs: 60_000, waitMs: 5000 });
  assert.equal(claim?.msgid, held.msgid);
  const waits = asA('POST', '/v1/channel/claim', { ...claimAt('ha', 'agent/ha', 'later'), waitMs: 30_000 });
  // Asked for after it, so the claim above waits by now.
  await asA('POST', '/v1/channel/extend', { claims: [refOf(claim!)] });

  await served.client.revokeAgent('ha');
  await lost.promise;
  const gone = await served.client.message(held.msgid);
  assert.deepEqual([gone.worker, gone.status], [null, 'queued']);
  await served.client.submit({
    plan: { steps: [{ module: 'later', action: 'note', at: 'host' }] },
    parameters: { host: 'ha' },
  });
  assert.equal((await waits).status, 401);
  const later = (await served.client.messages({ limit: 1 })).items[0];
  assert.deepEqual([later?.status, later?.worker ?? null], ['queued', null]);
  for (const path of ['/v1/channel/claim', '/v1/channel/hello'])
    assert.equal((await asA('POST', path, claimAt('ha'))).status, 401);
  await assert.rejects(sessionOf(agents, 'ha', keys.ha), error => isCoaxError(error, 'COAX_AGENT_KEY'));
  channel.close();
});

test('no secret stands in a log, an answer or an error', async () => {
  await using served = await openServed({ level: 'trace' });
  const { agents, tokens, keys, asA } = await openTwo(served);
  const unused = await tokenFor(agents, { host: 'h3' });
  const secrets = [TOKEN, tokens.a, tokens.b, unused];
  const answers: Answer[] = [];
  const enrolled = { host: 'h4', publicKey: new HostKey().publicKey, version: '1', facts: reportOf().facts };
  answers.push(await ask(served, 'POST', '/v1/agents', { token: unused, body: enrolled }));
  answers.push(
    await ask(served, 'POST', '/v1/agents', { token: unused, body: { ...enrolled, publicKey: unused } }),
  );
  answers.push(await ask(served, 'POST', '/v1/agents', { token: tokens.a, body: enrolled }));
  answers.push(await asA('POST', '/v1/channel/claim', claimAt('hb', 'agent/ha')));
  answers.push(await asA('PUT', '/v1/agents/ha/report', { ...reportOf(), token: 1 }));
  answers.push(await ask(served, 'GET', '/v1/messages', { token: `${tokens.a}x` }));
  const { nonce } = await agents.challenge('ha');
  const proof = keys.hb.proof('ha', nonce);
  answers.push(await ask(served, 'POST', '/v1/agents/ha/session', { token: null, body: proof }));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [401, 400, 401, 403, 400, 401, 401],
  );
  for (const path of ['hosts', 'workers', 'messages', 'networks'])
    answers.push(await ask(served, 'GET', `/v1/${path}`));
  const told = [...answers.map(({ body }) => JSON.stringify(body)), ...served.logged].join('\n');
  assert.match(told, /"agent":\{"version"/);
  for (const secret of [...secrets, proof.signature]) assert.ok(!told.includes(secret), told);
});
