/** `POST /v1/decisions`: told first, bounded, with a reason, and with what came of each message. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DecideManyAnswer } from '../../src/api/message.ts';
import { ask, openServed, plan, type Served } from './access-fixture.ts';

async function decide(served: Served, body: object, token?: string) {
  const answer = await ask(served, 'POST', '/v1/decisions', { body, ...(token !== undefined && { token }) });
  return { status: answer.status, body: answer.body as DecideManyAnswer & { code: string; where: string } };
}

async function made(served: Served, labels: Record<string, string>, steps: string[], project = 'default') {
  const { msgid } = await served.client.submit({ plan: plan(...steps), labels, project });
  await served.client.waitFor(msgid, { timeoutMs: 180_000 });
  return msgid;
}

const outcomes = ({ items }: DecideManyAnswer) => items.map(({ msgid, outcome }) => [msgid, outcome]);

test('nothing is done until it is applied, and then with a reason, to those that stand so', async () => {
  await using served = await openServed();
  const labels = { wave: '1' };
  const [a, b] = [await made(served, labels, ['lab note']), await made(served, labels, ['lab note'])];
  await made(served, { wave: '2' }, ['lab note']);
  const told = await decide(served, { verb: 'revert', selector: 'wave=1' });
  assert.deepEqual(outcomes(told.body), [
    [b, 'would'],
    [a, 'would'],
  ]);
  assert.deepEqual([told.body.applied, told.body.more], [false, false]);
  assert.equal((await served.client.message(a)).status, 'done');
  const silent = await decide(served, { verb: 'revert', selector: 'wave=1', apply: true, reason: ' ' });
  assert.deepEqual([silent.status, silent.body.where], [400, '/reason']);
  const done = await decide(served, { verb: 'revert', selector: 'wave=1', apply: true, reason: 'tidy up' });
  assert.deepEqual(outcomes(done.body), [
    [b, 'done'],
    [a, 'done'],
  ]);
  const { status } = await served.client.waitFor(a, { timeoutMs: 180_000 });
  assert.equal(status, 'rolled_back');
  const commits = await served.services.store.commits(a);
  assert.ok(JSON.stringify(commits).includes('tidy up'));
  const again = await decide(served, { verb: 'revert', selector: 'wave=1', apply: true, reason: 'tidy up' });
  assert.deepEqual(again.body.items, []);
});

test('more than the limit are not touched; what names nothing, or what cannot be, is refused', async () => {
  await using served = await openServed();
  const labels = { wave: '1' };
  for (let n = 0; n < 3; n++) await made(served, labels, ['lab note']);
  const which = { verb: 'revert', selector: 'wave=1', limit: 2, reason: 'tidy' };
  const told = await decide(served, which);
  assert.deepEqual([told.body.items.length, told.body.more], [2, true]);
  const done = await decide(served, { ...which, apply: true });
  assert.deepEqual([done.status, done.body.where], [400, '/limit']);
  assert.deepEqual((await served.client.messages({ status: 'done' })).items.length, 3);
  for (const [body, where] of [
    [{ verb: 'cancel' }, '/flow'],
    [{ verb: 'cancel', selector: 'wave=1', status: 'done' }, '/status'],
    [{ verb: 'rewind', selector: 'wave=1' }, '/to'],
    [{ verb: 'revert', selector: 'wave=1', limit: 1001 }, '/limit'],
  ] as const) {
    const answer = await decide(served, body);
    assert.deepEqual([answer.status, answer.body.where], [400, where], JSON.stringify(body));
  }
});

test('each message is decided about by itself: resolve, rewind with a step that is not there, fork', async () => {
  await using served = await openServed();
  const parked = await made(served, { rack: '7' }, ['lab stick', 'lab fail']);
  assert.equal((await served.client.message(parked)).status, 'parked');
  const resolved = await decide(served, {
    verb: 'resolve',
    how: 'undone',
    selector: 'rack=7',
    reason: 'by hand',
    apply: true,
  });
  assert.deepEqual(outcomes(resolved.body), [[parked, 'done']]);
  assert.equal((await served.client.waitFor(parked, { timeoutMs: 180_000 })).status, 'rolled_back');
  const forked = await decide(served, { verb: 'fork', selector: 'rack=7', reason: 'again', apply: true });
  const [item] = forked.body.items;
  assert.equal(item?.outcome, 'done');
  assert.ok(item.made !== null && item.made > parked);
  const one = await made(served, { shelf: '1' }, ['lab note']);
  const two = await made(served, { shelf: '1' }, ['lab note', 'lab note']);
  const rewound = await decide(served, { verb: 'rewind', to: 1, selector: 'shelf=1' });
  const wrong = await decide(served, { verb: 'rewind', to: 'no such', selector: 'shelf=1' });
  assert.deepEqual(
    wrong.body.items.map(({ msgid, outcome, error }) => [msgid, outcome, error?.code]),
    [
      [two, 'refused', 'COAX_MESSAGE_INVALID'],
      [one, 'refused', 'COAX_MESSAGE_INVALID'],
    ],
  );
  assert.equal(rewound.status, 200);
});

test('a look says of each message what would come of it, and nothing happens', async () => {
  await using served = await openServed();
  const one = await made(served, { shelf: '1' }, ['lab note']);
  const two = await made(served, { shelf: '1' }, ['lab note', 'lab note']);
  const parked = await made(served, { shelf: '1' }, ['lab stick', 'lab fail']);
  const seen = async () => [one, two, parked].map(async msgid => (await served.client.message(msgid)).head);
  const before = await Promise.all(await seen());
  for (const [body, expected] of [
    // The first of them has no second step.
    [
      { verb: 'rewind', to: 1 },
      [
        [two, 'would'],
        [one, 'refused'],
      ],
    ],
    [
      { verb: 'rewind', to: 7 },
      [
        [two, 'refused'],
        [one, 'refused'],
      ],
    ],
    [
      { verb: 'revert' },
      [
        [two, 'would'],
        [one, 'would'],
      ],
    ],
    [{ verb: 'resolve', how: 'undone' }, [[parked, 'would']]],
    [{ verb: 'fork' }, []],
    [
      { verb: 'fork', status: 'done' },
      [
        [two, 'would'],
        [one, 'would'],
      ],
    ],
  ] as const)
    assert.deepEqual(outcomes((await decide(served, { ...body, selector: 'shelf=1' })).body), expected);
  assert.deepEqual(await Promise.all(await seen()), before);
  assert.equal((await served.client.messages({ selector: 'shelf=1' })).items.length, 3);
});

test('who may look at a project and not operate in it is refused there, message by message', async () => {
  await using served = await openServed();
  const { identity } = served.services;
  for (const name of ['own', 'other']) await identity.projects.create(name, {}, 'tester');
  const account = { name: 'half', project: '*', about: '' };
  await identity.accounts.create(account, 'tester');
  await identity.bindings.grant('sa/half', 'own', 'operator', 'tester');
  await identity.bindings.grant('sa/half', 'other', 'viewer', 'tester');
  const wish = { name: 'half', account: 'half', project: '*', role: null, ttlMs: null };
  const { text } = await identity.tokens.create(wish, 'tester');
  const own = await made(served, { wave: '1' }, ['lab note'], 'own');
  const other = await made(served, { wave: '1' }, ['lab note'], 'other');
  const unseen = await made(served, { wave: '1' }, ['lab note']);
  const body = { verb: 'revert', selector: 'wave=1', reason: 'tidy', apply: true };
  const done = await decide(served, body, text);
  assert.deepEqual(
    done.body.items.map(({ msgid, outcome, error }) => [msgid, outcome, error?.code]),
    [
      [other, 'refused', 'COAX_FORBIDDEN'],
      [own, 'done', undefined],
    ],
  );
  for (const msgid of [other, unseen]) assert.equal((await served.client.message(msgid)).status, 'done');
});
