import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { isCoaxError } from '../errors/coax-error.ts';
import { openSqlite } from '../store/sqlite/open-sqlite.ts';
import { REAL_TIMERS } from '../store/timers.ts';
import { Identity } from './identity.ts';
import type { SessionNeeds } from './login-sessions.ts';
import { may, projectsWith } from './principal.ts';
import { identitySchema } from './schema.ts';
import { tokenHash } from './tokens.ts';

function open(t: { after(work: () => Promise<void>): void }, sessions: SessionNeeds | null = null) {
  const dir = mkdtempSync(join(tmpdir(), 'coax-identity-'));
  let shift = 0;
  const timers = { ...REAL_TIMERS, monotonic: () => REAL_TIMERS.monotonic() + shift };
  const store = openSqlite({ file: join(dir, 'coax.db'), schema: identitySchema, timers });
  t.after(async () => {
    await store.close();
    rmSync(dir, { recursive: true });
  });
  const others = async (token: string) =>
    token === 'of-h1' ? { actor: 'agent/h1', host: 'h1', grants: [] } : null;
  const identity = new Identity({ store, token: 'coax_secret', actor: 'ann', others, sessions });
  return { store, identity, later: (ms: number) => (shift += ms) };
}

const WISH = { name: 't', account: null, project: 'web', role: 'operator', ttlMs: null } as const;

test('roles open what they say, where they say', () => {
  const grants = [
    { project: 'web', role: 'operator' },
    { project: 'shop', role: 'viewer' },
  ] as const;
  assert.equal(may({ grants }, 'operate', 'web'), true);
  assert.equal(may({ grants }, 'admin', 'web'), false);
  assert.equal(may({ grants }, 'operate', 'shop'), false);
  assert.equal(may({ grants }, 'view', '*'), false);
  assert.deepEqual(projectsWith({ grants }, 'view'), ['web', 'shop']);
  assert.deepEqual(projectsWith({ grants }, 'operate'), ['web']);
  const all = [{ project: '*', role: 'viewer' }] as const;
  assert.equal(may({ grants: all }, 'view', 'anything'), true);
  assert.equal(projectsWith({ grants: all }, 'view'), null);
  const worker = [{ project: '*', role: 'worker' }] as const;
  assert.equal(may({ grants: worker }, 'work', '*'), true);
  assert.equal(may({ grants: worker }, 'view', 'web'), false);
});

test('the token of the data directory, a host, and whoever guesses', async t => {
  const { identity } = open(t);
  assert.equal((await identity.principalOf('coax_secret'))?.actor, 'ann');
  assert.equal((await identity.principalOf('of-h1'))?.host, 'h1');
  for (const wrong of ['', 'coax_secre', 'coax_secret ', 'COAX_SECRET'])
    assert.equal(await identity.principalOf(wrong), null);
});

test('a token is kept as its hash, opens what it was made for, and ends', async t => {
  const { identity, store, later } = open(t);
  const { text, token } = await identity.tokens.create({ ...WISH, ttlMs: 60_000 }, 'ann');
  const rows = await store.reader.selectFrom('api_tokens').selectAll().execute();
  assert.equal(JSON.stringify(rows).includes(text), false);
  assert.equal(token.prefix, text.slice(0, token.prefix.length));
  const grants = [{ project: 'web', role: 'operator' }];
  assert.deepEqual(await identity.principalOf(text), { actor: 'token/t', host: null, grants });
  assert.equal(await identity.principalOf(`${text}x`), null);
  // By its hash nobody is let in: who reads the database has no token.
  assert.equal(await identity.principalOf(String(rows[0]?.hash)), null);
  const again = () => identity.tokens.create(WISH, 'ann');
  await assert.rejects(again, error => isCoaxError(error, 'COAX_CONFLICT'));
  later(61_000);
  assert.equal(await identity.principalOf(text), null);
  const other = await again();
  assert.notEqual(await identity.principalOf(other.text), null);
  await identity.tokens.revoke('t');
  identity.changed();
  assert.equal(await identity.principalOf(other.text), null);
  assert.equal((await identity.tokens.list(undefined, true)).length, 2);
  assert.equal((await identity.tokens.list(undefined, false)).length, 0);
});

test("what another server revoked is noticed within a second; a token's use is noted", async t => {
  const { identity, store, later } = open(t);
  const others = async () => null;
  const elsewhere = new Identity({ store, token: 'coax_other', others });
  const { text } = await identity.tokens.create(WISH, 'ann');
  assert.notEqual(await elsewhere.principalOf(text), null);
  await identity.tokens.revoke('t');
  later(1001);
  assert.equal(await elsewhere.principalOf(text), null);
  await store.jot(async () => {});
  assert.notEqual((await identity.tokens.find('t'))?.lastUsed, null);
});

test('an account has its roles through every token, until it is removed', async t => {
  const { identity } = open(t);
  await identity.accounts.create({ name: 'ci', project: 'web', about: '' }, 'ann');
  const wish = { ...WISH, account: 'ci', role: null };
  const { text } = await identity.tokens.create(wish, 'ann');
  assert.deepEqual((await identity.principalOf(text))?.grants, []);
  await identity.bindings.grant('sa/ci', 'shop', 'viewer', 'ann');
  await identity.bindings.grant('sa/ci', 'shop', 'operator', 'ann');
  identity.changed();
  const grants = [{ project: 'shop', role: 'operator' }];
  assert.deepEqual(await identity.principalOf(text), { actor: 'sa/ci', host: null, grants });
  await identity.accounts.remove('ci');
  identity.changed();
  assert.equal(await identity.principalOf(text), null);
  assert.deepEqual(await identity.bindings.list(), []);
  await assert.rejects(
    () => identity.accounts.create({ name: 'ci', project: 'web', about: '' }, 'ann'),
    error => isCoaxError(error, 'COAX_CONFLICT'),
  );
});

test('a session lives as long as the token that was traded for it, and half a day at most', async t => {
  const { identity, later } = open(t);
  const { text } = await identity.tokens.create(WISH, 'ann');
  const session = await identity.sessions.open({ actor: 'token/t', subjects: [], token: text });
  assert.equal((await identity.principalOf(session.text))?.actor, 'token/t');
  assert.equal(await identity.isToken(session.text), false);
  await identity.tokens.revoke('t');
  identity.changed();
  assert.equal(await identity.principalOf(session.text), null);
  const person = await identity.sessions.open({ actor: 'alice@example.org', subjects: ['group:dev'] });
  await identity.bindings.grant('group:dev', 'web', 'viewer', 'ann');
  assert.deepEqual((await identity.principalOf(person.text))?.grants, [{ project: 'web', role: 'viewer' }]);
  later(12 * 3_600_000 + 1);
  assert.equal(await identity.principalOf(person.text), null);
});

const PARENTS: readonly (readonly [
  what: string,
  end: (world: Opened) => Promise<unknown>,
  grants: unknown,
])[] = [
  ['a token that is revoked', ({ identity }) => identity.tokens.revoke('t'), undefined],
  ['a token that expires', async ({ later }) => later(60_001), undefined],
  [
    'an account whose role is narrowed',
    ({ identity }) => identity.bindings.grant('sa/ci', 'web', 'viewer', 'ann'),
    [{ project: 'web', role: 'viewer' }],
  ],
  ['an account whose role is taken back', ({ identity }) => identity.bindings.revoke('sa/ci', 'web'), []],
  ['an account that is removed', ({ identity }) => identity.accounts.remove('ci'), undefined],
  [
    'a login that an admin ends',
    ({ identity, given }) => identity.sessions.revoke(tokenHash(given).slice(0, 16)),
    undefined,
  ],
  ['a login that is logged out of', ({ identity, given }) => identity.sessions.end(given), undefined],
];

for (const [what, end, grants] of PARENTS)
  test(`tickets, and sessions made from them, follow what they were made from: ${what}`, async t => {
    const world = await openParent(t, what);
    const { identity, given } = world;
    const isToken = await identity.isToken(given);
    const ticket = async (of: string) =>
      (await identity.tickets.issue(of, 'alice', isToken && of === given))!;
    const session = (await identity.tickets.trade((await ticket(given)).text))!;
    // A session that was made from a session that was made from it, and a ticket that nobody has come with yet.
    const further = (await identity.tickets.trade((await ticket(session.text)).text))!;
    const left = await ticket(given);
    const opens = async (text: string) => (await identity.principalOf(text))?.grants;
    for (const text of [session.text, further.text])
      assert.deepEqual(await opens(text), [{ project: 'web', role: 'operator' }]);
    await end(world);
    identity.changed();
    const late = await identity.tickets.trade(left.text);
    for (const text of [session.text, further.text, late?.text ?? given])
      assert.deepEqual(await opens(text), grants);
  });

type Opened = ReturnType<typeof open> & { readonly given: string };

async function openParent(t: Parameters<typeof open>[0], what: string): Promise<Opened> {
  const world = open(t);
  const { identity } = world;
  if (what.startsWith('a login')) {
    const grants = [{ project: 'web', role: 'operator' }] as const;
    return { ...world, given: (await identity.sessions.open({ actor: 'alice', subjects: [], grants })).text };
  }
  const account = what.startsWith('an account') ? 'ci' : null;
  if (account !== null) {
    await identity.accounts.create({ name: 'ci', project: 'web', about: '' }, 'ann');
    await identity.bindings.grant('sa/ci', 'web', 'operator', 'ann');
  }
  const role = account === null ? 'operator' : null;
  const made = await identity.tokens.create({ ...WISH, account, role, ttlMs: 60_000 }, 'ann');
  return { ...world, given: made.text };
}

test('a login is looked at again by one at a time, and is over when nobody could for long', async t => {
  const asked: string[] = [];
  const answers: PromiseWithResolvers<void>[] = [];
  const { identity, later } = open(t, {
    provider: {
      times: { lifeMs: 10 * HOUR_MS, recheckMs: HOUR_MS, uncheckedMs: 4 * HOUR_MS },
      async again(refresh) {
        asked.push(refresh);
        const answer = Promise.withResolvers<void>();
        answers.push(answer);
        await answer.promise;
        return { actor: 'alice', subjects: [], grants: [], refresh: `${refresh}+` };
      },
    },
    sealing: { seal: text => `sealed ${text}`, open: sealed => sealed.slice('sealed '.length) },
  });
  const grants = [{ project: 'web', role: 'operator' }] as const;
  const { text } = await identity.sessions.open({ actor: 'alice', subjects: [], grants, refresh: 'r' });
  const grantsNow = async () => (await identity.principalOf(text))?.grants;
  assert.deepEqual(await grantsNow(), grants);
  later(HOUR_MS);
  // The second does not wait for the first, and meanwhile has what was known.
  const first = grantsNow();
  while (answers.length === 0) await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual([await grantsNow(), asked], [grants, ['r']]);
  answers[0]!.resolve();
  assert.deepEqual(await first, []);
  identity.changed();
  assert.deepEqual([await grantsNow(), asked], [[], ['r']]);
  later(HOUR_MS);
  const second = grantsNow();
  while (answers.length === 1) await new Promise(resolve => setImmediate(resolve));
  answers[1]!.reject(new Error('the provider is away'));
  assert.deepEqual([await second, asked], [[], ['r', 'r+']]);
  later(3 * HOUR_MS);
  assert.equal(await grantsNow(), undefined);
  assert.equal(asked.length, 2);
});

const HOUR_MS = 3_600_000;

test('a project that was removed gives its name to nobody', async t => {
  const { identity } = open(t);
  await identity.projects.create('web', { team: 'a' }, 'ann');
  assert.deepEqual((await identity.projects.find('web'))?.labels, { team: 'a' });
  await identity.projects.remove('web');
  assert.equal(await identity.projects.exists('web'), false);
  for (const wrong of [
    () => identity.projects.create('web', {}, 'ann'),
    () => identity.projects.remove('default'),
  ])
    await assert.rejects(wrong, error => isCoaxError(error, 'COAX_CONFLICT'));
});
