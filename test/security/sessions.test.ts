/** Sessions of browsers, and what other pages may not do in their name. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Answer, ask, openServed, plan, type Served, TOKEN } from '../system/access-fixture.ts';

let served: Served;
before(async () => {
  served = await openServed();
});
after(async () => {
  await served[Symbol.asyncDispose]();
});

const origin = () => served.url;
const signIn = (token: string, headers: Record<string, string> = {}): Promise<Answer> =>
  ask(served, 'POST', '/auth/session', { token: null, body: { token }, headers });
const cookieFrom = (answer: Answer): string => answer.headers.get('set-cookie')!.split(';')[0]!;

test('a token is traded for a cookie that no script and no other page can use', async () => {
  const answer = await signIn(TOKEN, { origin: origin() });
  assert.equal(answer.status, 200);
  assert.deepEqual([answer.body.actor, answer.body.session], ['tester', true]);
  const cookie = answer.headers.get('set-cookie')!;
  assert.match(cookie, /^coax_session=coax_login_\S+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  const who = await ask(served, 'GET', '/v1/whoami', {
    token: null,
    headers: { cookie: cookieFrom(answer) },
  });
  assert.deepEqual([who.status, who.body.session], [200, true]);
  const tls = await signIn(TOKEN, { origin: origin(), 'x-forwarded-proto': 'https' });
  assert.match(tls.headers.get('set-cookie')!, /^__Host-coax_session=.+; HttpOnly; SameSite=Strict; Secure$/);
});

test('a wrong token, a session and nothing at all are refused alike', async () => {
  const session = cookieFrom(await signIn(TOKEN, { origin: origin() })).split('=')[1]!;
  for (const wrong of ['coax_wrong', session, `${TOKEN}x`, TOKEN.slice(1)]) {
    const answer = await signIn(wrong, { origin: origin() });
    assert.deepEqual([answer.status, answer.body.code], [401, 'COAX_AUTH_MISSING'], wrong);
    assert.equal(answer.headers.get('set-cookie'), null);
  }
});

test('another page cannot act in the name of a session, nor sign somebody in or out', async () => {
  const cookie = cookieFrom(await signIn(TOKEN, { origin: origin() }));
  const body = { plan: plan('lab note') };
  const submit = (headers: Record<string, string>) =>
    ask(served, 'POST', '/v1/messages', { token: null, body, headers: { cookie, ...headers } });
  const foreign = [
    {},
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site', origin: origin() },
    { 'sec-fetch-site': 'none' },
  ];
  for (const headers of foreign)
    assert.equal((await submit(headers as never)).status, 403, JSON.stringify(headers));
  assert.equal((await submit({ origin: origin() })).status, 202);
  assert.equal((await submit({ 'sec-fetch-site': 'same-origin' })).status, 202);
  const evil = { origin: 'https://evil.example' };
  assert.equal((await signIn(TOKEN, evil)).status, 403);
  const logout = await ask(served, 'POST', '/auth/logout', { token: null, headers: { cookie, ...evil } });
  assert.equal(logout.status, 403);
});

test('a session ends when it is told to, and with its token', async () => {
  const { identity } = served.services;
  const wish = { name: 'short', account: null, project: '*', role: 'viewer', ttlMs: null } as const;
  const { text } = await identity.tokens.create(wish, 'tester');
  const whoami = async (cookie: string) =>
    (await ask(served, 'GET', '/v1/whoami', { token: null, headers: { cookie } })).status;
  const first = cookieFrom(await signIn(text, { origin: origin() }));
  const second = cookieFrom(await signIn(text, { origin: origin() }));
  assert.deepEqual([await whoami(first), await whoami(second)], [200, 200]);
  const headers = { cookie: first, origin: origin() };
  const out = await ask(served, 'POST', '/auth/logout', { token: null, headers });
  assert.match(out.headers.get('set-cookie')!, /^coax_session=; Path=\/; Max-Age=0/);
  assert.deepEqual([await whoami(first), await whoami(second)], [401, 200]);
  await ask(served, 'POST', '/v1/tokens/short/revoke', { body: {} });
  assert.equal(await whoami(second), 401);
});

test('what `coax console` opened ends with the token of its service account, and has that account’s roles', async () => {
  const { identity } = served.services;
  await identity.accounts.create({ name: 'ci', project: 'default', about: '' }, 'tester');
  const role = (to: string) =>
    ask(served, 'POST', '/v1/roles/grant', { body: { subject: 'sa/ci', project: 'default', role: to } });
  await role('operator');
  const wish = { name: 'ci-1', account: 'ci', project: 'default', role: null, ttlMs: null } as const;
  const { text } = await identity.tokens.create(wish, 'tester');
  const enter = async () => {
    const given = await ask(served, 'POST', '/v1/console-tickets', { token: text, body: {} });
    const headers = { origin: origin() };
    const body = { ticket: given.body.ticket };
    return ask(served, 'POST', '/auth/ticket', { token: null, headers, body });
  };
  const cookie = cookieFrom(await enter());
  const submit = () =>
    ask(served, 'POST', '/v1/messages', {
      token: null,
      headers: { cookie, origin: origin() },
      body: { plan: { steps: [{ module: 'x', action: 'y' }] } },
    });
  assert.equal((await submit()).status, 202);
  await role('viewer');
  assert.equal((await submit()).status, 403);
  await ask(served, 'POST', '/v1/accounts/ci/remove', { body: {} });
  assert.equal((await submit()).status, 401);
});
