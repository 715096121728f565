/** What a login gave is looked at again, at a real provider; and an admin ends a session. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SessionView } from '../../src/api/access/identity.ts';
import { ask, TOKEN } from '../system/access-fixture.ts';
import { CliWorld } from '../system/cli-fixture.ts';
import { Browser, openWithProvider, type WithProvider } from './oidc-fixture.ts';

const MORE = `scopes: [openid, email, profile, offline_access]
sessions: {life: 6h, recheck: 1s, unchecked: 2h}
`;
const ALICE = { email: 'alice@example.org', email_verified: true };

let world: WithProvider;
before(async () => {
  world = await openWithProvider(undefined, true, MORE);
  await world.served.services.identity.projects.create('shop', {}, 'tester');
});
after(async () => {
  await world[Symbol.asyncDispose]();
});

interface Session {
  readonly seconds: number;
  whoami(): Promise<{ status: number; roles: unknown }>;
}

async function logIn(login: string): Promise<Session> {
  const browser = new Browser();
  const { url } = world.served;
  const begun = await browser.get(`${url}/auth/login`);
  const back = await browser.logIn(begun.headers.get('location')!, login, `${url}/auth/callback`);
  const answer = await browser.get(back);
  assert.equal(answer.status, 303, await answer.text());
  const cookie = answer.headers.getSetCookie().find(line => line.startsWith('coax_session='))!;
  const headers = { cookie: browser.cookies(url) };
  return {
    seconds: Number(/Max-Age=(\d+)/.exec(cookie)![1]),
    async whoami() {
      const { status, body } = await ask(world.served, 'GET', '/v1/whoami', { token: null, headers });
      return { status, roles: body.roles };
    },
  };
}

/** Asks until it is so; the runner ends what never is. */
async function until(session: Session, want: (now: Awaited<ReturnType<Session['whoami']>>) => boolean) {
  for (;;) {
    const now = await session.whoami();
    if (want(now)) return now;
    await sleep(100);
  }
}

const OPERATOR = JSON.stringify([{ project: 'shop', role: 'operator' }]);

test('who is taken out of a group has its role no longer, and has it again when the group is given back', async () => {
  const session = await logIn('alice');
  // The cookie outlives the time until the next look.
  assert.ok(session.seconds > 2 * 3600 && session.seconds <= 6 * 3600, String(session.seconds));
  assert.equal(JSON.stringify((await session.whoami()).roles), OPERATOR);
  await world.change('alice', { ...ALICE, groups: ['staff'] });
  const without = await until(session, ({ roles }) => JSON.stringify(roles) !== OPERATOR);
  assert.deepEqual(without, { status: 200, roles: [] });
  await world.change('alice', { ...ALICE, groups: ['shop-dev', 'staff'] });
  await until(session, ({ roles }) => JSON.stringify(roles) === OPERATOR);
  const { items } = (await ask(world.served, 'GET', '/v1/sessions')).body as { items: SessionView[] };
  const [listed] = items;
  assert.deepEqual([listed?.actor, listed?.by], ['alice@example.org', 'provider']);
  assert.ok(Date.parse(listed!.looked!) > Date.parse(listed!.created));
  assert.ok(Date.parse(listed!.expires) > Date.parse(listed!.created) + 2 * 3_600_000);
});

test('who comes back under another name, or is gone at the provider, is let in no longer', async () => {
  for (const change of [{ ...ALICE, email: 'other@example.org', groups: ['shop-dev'] }, null]) {
    await world.change('alice', { ...ALICE, groups: ['shop-dev'] });
    const session = await logIn('alice');
    assert.equal((await session.whoami()).status, 200);
    await world.change('alice', change);
    await until(session, ({ status }) => status === 401);
  }
  await world.change('alice', { ...ALICE, groups: ['shop-dev'] });
});

test('what the provider looks again by is sealed in the database', async () => {
  await logIn('alice');
  const { store } = world.served.services;
  const rows = await store.reader.selectFrom('login_sessions').selectAll().execute();
  const kept = rows.map(({ refresh }) => String(refresh)).filter(text => text !== '');
  assert.ok(kept.length > 0);
  for (const text of kept) {
    assert.match(text, /^\{"\$secret":/);
    assert.ok(!text.includes('sub'));
  }
});

test('an admin lists sessions and ends one at once; what names none is not found', async () => {
  const [first, second] = [await logIn('alice'), await logIn('alice')];
  const cli = new CliWorld();
  const coax = (...args: string[]) => cli.run(args, '', { COAX_URL: world.served.url, COAX_TOKEN: TOKEN });
  try {
    const listed = await coax('session', 'ls', '-o', 'name');
    assert.equal(listed.status, 0, listed.stderr);
    const [newest] = listed.stdout.split('\n');
    const ended = await coax('session', 'revoke', newest!);
    assert.deepEqual([ended.status, ended.stdout], [0, `${newest} is ended\n`], ended.stderr);
    assert.deepEqual([(await first.whoami()).status, (await second.whoami()).status], [200, 401]);
    const again = await coax('session', 'revoke', newest!);
    assert.equal(again.status, 3, again.stderr);
  } finally {
    await cli.close();
  }
  const wrong = await ask(world.served, 'POST', '/v1/sessions/%25/revoke', { body: {} });
  assert.equal(wrong.status, 400);
});

test('while the provider is away, what it said last counts', async () => {
  const session = await logIn('alice');
  await world.endProvider();
  const { identity, store } = world.served.services;
  const looked = (await identity.sessions.list())[0]!.looked!;
  await until(session, () => store.now() > looked + 3000);
  assert.equal(JSON.stringify((await session.whoami()).roles), OPERATOR);
});
