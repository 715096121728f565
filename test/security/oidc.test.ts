/** Logins of people, against a provider in a process of its own. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OidcLogin } from '../../src/identity/oidc/oidc-login.ts';
import { ask, openServed, plan } from '../system/access-fixture.ts';
import { Browser, openWithProvider, type WithProvider } from './oidc-fixture.ts';

let world: WithProvider;
before(async () => {
  world = await openWithProvider();
  await world.served.services.identity.projects.create('shop', {}, 'tester');
  await world.served.services.identity.projects.create('other', {}, 'tester');
});
after(async () => {
  await world[Symbol.asyncDispose]();
});

const coax = (path: string) => `${world.served.url}${path}`;
const back = () => coax('/auth/callback');

/** To the provider; returns its address. */
async function begin(browser: Browser, to = '/'): Promise<string> {
  const answer = await browser.get(coax(`/auth/login?to=${encodeURIComponent(to)}`));
  assert.equal(answer.status, 303);
  return answer.headers.get('location')!;
}

/** To the provider and through its forms; returns the address that ends the login. */
const through = async (browser: Browser, login: string, to?: string) =>
  browser.logIn(await begin(browser, to), login, back());

async function refused(answer: Response): Promise<[number, string, string]> {
  const { code, detail } = (await answer.json()) as { code: string; detail: string };
  assert.ok(!answer.headers.getSetCookie().some(line => line.includes('coax_session')));
  return [answer.status, code, detail];
}

test('a person logs in by the provider, and stands in the ledger', async () => {
  const browser = new Browser();
  const answer = await browser.get(await through(browser, 'alice', '/messages?all=1'));
  assert.deepEqual([answer.status, answer.headers.get('location')], [303, '/messages?all=1']);
  const [gone, session] = answer.headers.getSetCookie();
  assert.match(gone!, /^coax_login=; Path=\/; Max-Age=0; HttpOnly; SameSite=Lax$/);
  assert.match(session!, /^coax_session=coax_login_\S+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/);
  assert.ok(Number(/Max-Age=(\d+)/.exec(session!)![1]) <= 12 * 3600);
  const headers = { cookie: browser.cookies(coax('/')), origin: world.served.url };
  const who = await ask(world.served, 'GET', '/v1/whoami', { token: null, headers });
  assert.deepEqual(who.body, {
    actor: 'alice@example.org',
    host: null,
    roles: [{ project: 'shop', role: 'operator' }],
    session: true,
  });
  const body = { plan: plan('lab note'), project: 'shop' };
  const made = await ask(world.served, 'POST', '/v1/messages', { token: null, headers, body });
  assert.equal(made.status, 202);
  const commits = await ask(world.served, 'GET', `/v1/messages/${made.body.msgid}/commits`, {
    token: null,
    headers,
  });
  assert.equal(commits.body.items[0].actor, 'alice@example.org');
});

test('a group gives its role in one project only', async () => {
  const browser = new Browser();
  await browser.get(await through(browser, 'alice'));
  const headers = { cookie: browser.cookies(coax('/')), origin: world.served.url };
  const submit = async (project: string) => {
    const body = { plan: plan('lab note'), project };
    return (await ask(world.served, 'POST', '/v1/messages', { token: null, headers, body })).status;
  };
  assert.deepEqual([await submit('shop'), await submit('other'), await submit('default')], [202, 404, 404]);
  assert.equal((await ask(world.served, 'GET', '/v1/hosts', { token: null, headers })).status, 403);
  // What is given here by hand counts too, to the person and to the group.
  const { bindings } = world.served.services.identity;
  await bindings.grant('alice@example.org', 'other', 'viewer', 'tester');
  await bindings.grant('group:staff', 'default', 'operator', 'tester');
  world.served.services.identity.changed();
  assert.deepEqual([await submit('other'), await submit('default')], [403, 202]);
});

test('another page cannot act by the session of a person', async () => {
  const browser = new Browser();
  await browser.get(await through(browser, 'alice'));
  const cookie = browser.cookies(coax('/'));
  const body = { plan: plan('lab note'), project: 'shop' };
  for (const more of [{}, { origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
    const headers = { cookie, ...more } as Record<string, string>;
    assert.equal(
      (await ask(world.served, 'POST', '/v1/messages', { token: null, headers, body })).status,
      403,
    );
  }
});

test('a login is ended by the browser that began it, with its own state', async () => {
  const mine = new Browser();
  const address = await through(mine, 'alice');
  // Somebody else is lured to the end of my login.
  const lured = new Browser();
  assert.deepEqual((await refused(await lured.get(address))).slice(0, 2), [401, 'COAX_LOGIN_FAILED']);
  await begin(lured);
  const [status, code, detail] = await refused(await lured.get(address));
  assert.deepEqual([status, code], [401, 'COAX_LOGIN_FAILED']);
  assert.match(detail, /not the login which this browser has begun/);
  const wrong = new URL(address);
  wrong.searchParams.set('state', 'x');
  assert.equal((await refused(await mine.get(wrong.href)))[0], 401);
  // The attempt has used up the login of the browser.
  assert.equal((await refused(await mine.get(address)))[0], 401);
});

test('a code is good once', async () => {
  const browser = new Browser();
  const address = await through(browser, 'alice');
  const ticket = browser.cookie(coax('/'), 'coax_login')!;
  assert.equal((await browser.get(address)).status, 303);
  const thief = new Browser();
  thief.setCookie(coax('/'), 'coax_login', ticket);
  const [status, code, detail] = await refused(await thief.get(address));
  assert.deepEqual([status, code], [401, 'COAX_LOGIN_FAILED']);
  assert.match(detail, /used already or is too old/);
});

test('a login that took too long is refused, however its cookie is kept', async () => {
  const browser = new Browser();
  const address = await through(browser, 'alice');
  const [begun, ...rest] = browser.cookie(coax('/'), 'coax_login')!.split('.');
  const long = (Number.parseInt(begun!, 36) - 10 * 60_000 - 1).toString(36);
  browser.setCookie(coax('/'), 'coax_login', [long, ...rest].join('.'));
  assert.match((await refused(await browser.get(address)))[2], /took longer than 10 minutes/);
});

test('an answer of another issuer is refused', async () => {
  const browser = new Browser();
  const address = new URL(await through(browser, 'alice'));
  assert.equal(address.searchParams.get('iss'), world.issuer);
  address.searchParams.set('iss', 'https://evil.example');
  const [status, , detail] = await refused(await browser.get(address.href));
  assert.deepEqual([status, detail], [401, 'the answer is not from Example']);
  // The provider says another name of itself than the settings have.
  const issuer = world.issuer.replace('127.0.0.1', 'localhost');
  await using other = await openServed({ oidc: new OidcLogin(world.settingsIn(issuer, 'other.yaml')) });
  const answer = await new Browser().get(`${other.url}/auth/login`);
  assert.deepEqual((await refused(answer)).slice(0, 2), [503, 'COAX_LOGIN_UNAVAILABLE']);
});

test('an e-mail address that is not verified names nobody', async () => {
  const browser = new Browser();
  await browser.get(await through(browser, 'bob'));
  const headers = { cookie: browser.cookies(coax('/')) };
  const who = await ask(world.served, 'GET', '/v1/whoami', { token: null, headers });
  assert.equal(who.body.actor, 'sub=bob');
});

test('who has no role, or the name of somebody else, is told so in plain words', async () => {
  const browser = new Browser();
  const [status, code, detail] = await refused(await browser.get(await through(browser, 'carol')));
  assert.deepEqual([status, code, detail], [403, 'COAX_FORBIDDEN', 'carol@example.org has no role here yet']);
  const denied = new Browser();
  const state = new URL(await begin(denied)).searchParams.get('state');
  const query = new URLSearchParams({ error: 'access_denied', state: state!, iss: world.issuer });
  assert.match(
    (await refused(await denied.get(`${back()}?${query}`)))[2],
    /did not let you in \(access_denied\)$/,
  );
  const named = await refused(await new Browser().get(coax('/auth/callback')));
  assert.equal(named[0], 401);
  const dave = new Browser();
  assert.match((await refused(await dave.get(await through(dave, 'dave'))))[2], /"admin" cannot be the name/);
  const page = await new Browser().get(coax('/auth/callback?error=<script>'), { accept: 'text/html' });
  assert.match(page.headers.get('content-security-policy')!, /default-src 'none'/);
  const text = await page.text();
  assert.match(text, /has begun no login/);
  assert.doesNotMatch(text, /script/);
});

test('the way back leads to this server alone', async () => {
  for (const to of [
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '/.//evil.example',
    '/x\r\nSet-Cookie:a=b',
    'javascript:1',
  ]) {
    const browser = new Browser();
    const answer = await browser.get(await through(browser, 'alice', to));
    assert.deepEqual([answer.status, answer.headers.get('location')], [303, '/'], to);
  }
});

test('the login itself is in a cookie of its own, and asks for PKCE, state and nonce', async () => {
  const answer = await fetch(coax('/auth/login'), { redirect: 'manual' });
  const cookie = answer.headers.get('set-cookie')!;
  assert.match(cookie, /^coax_login=\S+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax$/);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  const address = new URL(answer.headers.get('location')!);
  const asked = address.searchParams;
  assert.equal(asked.get('code_challenge_method'), 'S256');
  const hidden = [asked.get('state')!, asked.get('nonce')!, asked.get('code_challenge')!];
  assert.equal(new Set(hidden).size, 3);
  for (const value of hidden) {
    assert.equal(value.length, 43);
    assert.ok(!cookie.includes(value));
  }
  const tls = await fetch(coax('/auth/login'), {
    redirect: 'manual',
    headers: { 'x-forwarded-proto': 'https' },
  });
  assert.match(tls.headers.get('set-cookie')!, /^__Host-coax_login=.+; SameSite=Lax; Secure$/);
  assert.match(new URL(tls.headers.get('location')!).searchParams.get('redirect_uri')!, /^https:/);
});

test('the console learns whether there is a provider', async () => {
  const methods = async (at: string) => (await fetch(`${at}/auth/methods`)).json();
  const cli = { issuer: world.issuer, clientId: 'coax-cli', scopes: ['openid', 'email', 'profile'] };
  const oidc = { name: 'Example', path: '/auth/login', cli };
  assert.deepEqual(await methods(world.served.url), { token: true, oidc });
  await using without = await openServed();
  assert.deepEqual(await methods(without.url), { token: true, oidc: null });
  assert.equal((await fetch(`${without.url}/auth/login`, { redirect: 'manual' })).status, 404);
});
