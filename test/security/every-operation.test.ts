/**
 * Every operation of the API, asked for by every role in its own project and in another one. The table is made from the
 * document that the server itself gives, so that a new route is in it from its first day.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { rolloutTables } from '../../src/cloud/rollout/schema.ts';
import type { Role } from '../../src/identity/principal.ts';
import { Publisher } from '../package/publisher.ts';
import { ask, openServed, plan, type Served, TOKEN } from '../system/access-fixture.ts';
import { expected, type Operation, operationsOf, type Who } from './table.ts';

let served: Served;
const tokens = new Map<string, string>();
const own = { msgid: 0, commit: '', vm: 'own-vm' };
const other = { msgid: 0, commit: '', vm: 'other-vm' };

before(async () => {
  // So many ask without a token here that they would be taken for somebody who guesses.
  served = await openServed({ limits: { 'address-burst': 10_000 } });
  const { identity, store } = served.services;
  const publisher = new Publisher(served.services.packages);
  await publisher.init();
  await served.services.packages.publish(await publisher.next([await publisher.bring('1.0.0')]));
  for (const name of ['own', 'other']) await identity.projects.create(name, {}, 'tester');
  for (const role of ['viewer', 'operator', 'admin', 'worker'] satisfies Role[]) {
    for (const project of role === 'worker' ? ['*'] : ['own', '*']) {
      const wish = {
        name: `${role}-${project === '*' ? 'all' : project}`,
        account: null,
        project,
        role,
        ttlMs: null,
      };
      tokens.set(`${role} ${project}`, (await identity.tokens.create(wish, 'tester')).text);
    }
  }
  for (const [project, thing] of [
    ['own', own],
    ['other', other],
  ] as const) {
    const one = { project, flow: 'create_vm', parameters: { cpu: 1, mem: 96, name: thing.vm } };
    const { msgid } = await served.client.submit(one);
    await served.client.waitFor(msgid, { timeoutMs: 180_000 });
    thing.msgid = msgid;
    thing.commit = (await store.message(msgid))!.head;
    const rollout = {
      msgid,
      package: project,
      version: '1.0.0',
      state: 'done' as const,
      waves: '[]',
      wave: 0,
    };
    const row = { ...rollout, paused: 0, allowed: 0, skipped: '[]', created: 0 };
    await store.transact(tx => rolloutTables(tx.db).insertInto('rollouts').values(row).execute());
    const about = { name: `${project}-account`, project, about: '' };
    await identity.accounts.create(about, 'tester');
    const wish = { name: `${project}-token`, account: null, project, role: 'viewer', ttlMs: null } as const;
    await identity.tokens.create(wish, 'tester');
    await identity.bindings.grant(`${project}@example.org`, project, 'viewer', 'tester');
  }
});
after(async () => {
  await served[Symbol.asyncDispose]();
});

const WHO: readonly Who[] = [
  { role: null, project: null },
  ...(['viewer', 'operator', 'admin'] as const).flatMap(role => [
    { role, project: 'own' as const },
    { role, project: '*' as const },
  ]),
  { role: 'worker', project: '*' },
];

/** Streams, and what would stop the server's own worker; they have tests of their own. */
const NOT_HERE = new Set(['events', 'session', 'claim']);

/** Turns nothing back: what gets as far as the message hears that it has changed. */
const headers = { 'if-match': `"${'0'.repeat(32)}-x"` };
let accounts = 0;

async function request(operation: Operation, thing: typeof own, project: string) {
  let account = `${project}-account`;
  if (operation.operationId === 'removeAccount') {
    account = `account-${++accounts}`;
    await served.services.identity.accounts.create({ name: account, project, about: '' }, 'tester');
  }
  const values: Record<string, string> = {
    msgid: String(thing.msgid),
    prefix: thing.commit,
    host: 'sim-1',
    id: operation.path.startsWith('/v1/webhooks/') ? await webhookOf(project) : '0'.repeat(16),
    name: nameFor(operation, thing, project, account),
    version: '1.0.0',
    kind: 'metadata',
    file: 'timestamp.json',
    sha256: '0'.repeat(64),
  };
  const path = operation.path.replace(/\{(\w+)\}/g, (_all, name: string) => values[name]!);
  const queries: Record<string, string> = {
    diff: `?a=${thing.msgid}&b=${thing.commit}`,
    export: `?project=${project}`,
    role: `?subject=${project}@example.org&project=${project}`,
  };
  return { path: path + (queries[operation.operationId] ?? ''), body: bodyFor(operation, project) };
}

/** A webhook of that project; each is asked for once, since one of the questions removes it. */
async function webhookOf(project: string): Promise<string> {
  const made = {
    project,
    url: 'https://example.org/',
    events: ['done'] as const,
    flow: null,
    actor: 'tester',
  };
  return (await served.services.webhooks.create(made)).webhook.id;
}

function nameFor(
  { operationId, path }: Operation,
  thing: typeof own,
  project: string,
  account: string,
): string {
  if (path.startsWith('/v1/vms/')) return thing.vm;
  if (path.startsWith('/v1/hosts/')) return 'sim-1';
  if (path.startsWith('/v1/flows/')) return 'create_vm';
  if (path.startsWith('/v1/networks/')) return 'default';
  if (path.startsWith('/v1/packages/')) return 'web';
  if (path.startsWith('/v1/projects/')) return operationId === 'removeProject' ? 'nobodys' : project;
  if (path.startsWith('/v1/tokens/')) return `${project}-token`;
  return account;
}

/** Bodies that are taken when who asks may; without effect on the next question where that can be. */
function bodyFor({ operationId }: Operation, project: string): unknown {
  const bodies: Record<string, unknown> = {
    serialTicket: { readonly: true },
    submit: { project, plan: plan('lab note') },
    rewind: { to: 0, reason: '' },
    resolve: { how: 'undone', reason: '' },
    decideMany: { verb: 'revert', project, flow: 'create_vm' },
    lint: { name: 'create_vm' },
    plan: { parameters: { cpu: 1, mem: 96 } },
    createToken: { name: 'made', project, role: 'viewer' },
    createAccount: { name: 'made', project },
    createProject: { name: 'own' },
    createWebhook: { project, url: 'https://example.org/', events: ['done'] },
    editProject: { labels: {} },
    grantRole: { subject: 'bob@example.org', project, role: 'viewer' },
    withdrawRole: { subject: 'nobody@example.org', project },
    archive: { olderThanMs: 10 ** 12 },
    signIn: { token: 'coax_wrong' },
  };
  return bodies[operationId] ?? {};
}

test('every operation x role x own or other project is let in or refused as its mark says', async () => {
  const operations = await operationsOf(served);
  assert.ok(operations.length > 60, `${operations.length} operations`);
  const wrong: string[] = [];
  let asked = 0;
  for (const operation of operations) {
    if (NOT_HERE.has(operation.operationId)) continue;
    for (const who of WHO) {
      for (const [project, thing] of [
        ['own', own],
        ['other', other],
      ] as const) {
        const { path, body } = await request(operation, thing, project);
        const token = who.role === null ? null : tokens.get(`${who.role} ${who.project}`)!;
        const { method } = operation;
        const answer = await ask(served, method, path, { token, headers, ...(method !== 'GET' && { body }) });
        const want = expected(operation, who, project);
        asked++;
        if (!want.includes(kindOf(answer.status)))
          wrong.push(
            `${operation.operationId} by ${who.role} of ${who.project} in ${project}: ${answer.status} (${JSON.stringify(answer.body).slice(0, 120)}), not ${want}`,
          );
      }
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(asked > 800, `only ${asked} were asked`);
  assert.deepEqual(served.logged, []);
});

/** What a refusal is; anything else got past the question of who asks. */
function kindOf(status: number): 'unknown' | 'forbidden' | 'missing' | 'in' {
  if (status === 401) return 'unknown';
  if (status === 403) return 'forbidden';
  return status === 404 ? 'missing' : 'in';
}

test('lists, counts, events and replays show nothing of another project', async () => {
  const token = tokens.get('viewer own')!;
  const lists = [
    '/v1/messages',
    '/v1/messages?children=true',
    '/v1/vms',
    '/v1/vm-use',
    '/v1/reservations',
    '/v1/projects',
  ];
  for (const path of lists) {
    const { status, body } = await ask(served, 'GET', path, { token });
    assert.equal(status, 200, path);
    const text = JSON.stringify(body);
    assert.ok(!text.includes('other'), `${path}: ${text}`);
  }
  const exported = async (token: string, query = '') => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${served.url}/v1/export${query}`, { headers });
    assert.equal(answer.status, 200);
    return answer.text();
  };
  const mine = await exported(token);
  assert.ok(mine.includes('own-vm') && mine.endsWith('done\n') && !mine.includes('other'));
  assert.equal(await exported(token, '?project=own'), mine);
  const ours = await exported(tokens.get('viewer *')!);
  assert.ok(ours.includes('own-vm') && ours.includes('other-vm'));
  const all = await ask(served, 'GET', '/v1/messages', { token: tokens.get('viewer *')! });
  assert.ok(JSON.stringify(all.body).includes('other-vm'));
  const counts = await ask(served, 'GET', '/v1/counts', { token });
  const messages = await ask(served, 'GET', '/v1/messages?limit=1000', { token });
  const sum = Object.values(counts.body as Record<string, number>).reduce((a, b) => a + b, 0);
  assert.equal(sum, messages.body.items.length);
  for (const path of [
    '/v1/messages?project=other',
    '/v1/vms?project=other',
    '/v1/vm-use?project=other',
    '/v1/events?project=other',
    '/v1/events?project=other&wait=0',
    `/v1/events?msgid=${other.msgid}&after=0`,
    `/v1/events?msgid=${other.msgid}`,
  ])
    assert.equal((await ask(served, 'GET', path, { token })).status, 404, path);
});

test('the stream of all events, and its replay, carry own ones alone', async () => {
  const read = async (token: string, lastEventId?: string): Promise<string> => {
    const abort = new AbortController();
    const headers = {
      authorization: `Bearer ${token}`,
      ...(lastEventId && { 'last-event-id': lastEventId }),
    };
    const answer = await fetch(`${served.url}/v1/events`, { headers, signal: abort.signal });
    assert.equal(answer.status, 200);
    const submit = (project: string) => served.client.submit({ project, plan: plan('lab note') });
    const done: Promise<unknown> = submit('other').then(() => submit('own'));
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of answer.body!) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      if (/"project":"own"/.test(text) && /"status":"done"/.test(text)) break;
    }
    await done;
    abort.abort();
    return text;
  };
  const live = await read(tokens.get('viewer own')!);
  assert.ok(!live.includes('"other"'), live);
  const [id] = [...live.matchAll(/^id: (\S+)$/gm)].map(match => match[1]!);
  const replayed = await read(tokens.get('viewer own')!, id);
  assert.ok(!replayed.includes('"other"'), replayed);
  assert.match(await read(TOKEN, id), /"project":"other"/);
  const poll = async (token: string) => (await ask(served, 'GET', `/v1/events?after=${id}`, { token })).body;
  const polled = await poll(tokens.get('viewer own')!);
  assert.ok(polled.items.length > 0 && !JSON.stringify(polled).includes('"other"'));
  assert.match(JSON.stringify(await poll(TOKEN)), /"project":"other"/);
});

test('a commit of another project is not found by its id, and makes no prefix ambiguous', async () => {
  const token = tokens.get('operator own')!;
  const hidden = await ask(served, 'GET', `/v1/commits/${other.commit}`, { token });
  const absent = await ask(served, 'GET', `/v1/commits/${'0'.repeat(64)}`, { token });
  assert.equal(hidden.status, 404);
  // Word for word as what does not exist, but for what was asked and the request's id.
  const plainOf = (body: Record<string, unknown>) =>
    JSON.stringify({ ...body, instance: '', detail: '', where: '' });
  assert.equal(plainOf(hidden.body), plainOf(absent.body));
  const fork = await ask(served, 'POST', `/v1/commits/${other.commit}/fork`, { token, body: {} });
  assert.equal(fork.status, 404);
});
