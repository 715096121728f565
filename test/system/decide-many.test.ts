/** Decisions about many messages at once, as the command line makes them. */
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { after, before, test } from 'node:test';
import { CliWorld } from './cli-fixture.ts';

const world = new CliWorld();
before(async () => {
  // Nobody serves that module, so its messages wait.
  const flow = world.file('flows/stuck.yaml', 'name: stuck\nsteps:\n  - nobody here\n');
  const up = await world.coax(
    'up',
    '--flows',
    dirname(flow),
    '--detach',
    '--simulate',
    '--listen',
    '127.0.0.1:0',
  );
  assert.equal(up.status, 0, up.stderr);
  for (const [name, env] of [
    ['a', 'test'],
    ['b', 'test'],
    ['c', 'prod'],
  ]) {
    const made = await world.coax(
      'run',
      'create_vm',
      'cpu=1',
      'mem=128',
      `name=${name}`,
      '--label',
      `env=${env}`,
      '--wait',
    );
    assert.equal(made.status, 0, made.stderr);
  }
});
after(() => world.close());

test('revert lists what it would do, does it with --yes, and leaves the others', async () => {
  const look = await world.coax('revert', '-l', 'env=test', '-o', 'name');
  assert.deepEqual([look.status, look.stdout], [2, '2\n1\n']);
  assert.match(look.stderr, /2 messages would be reverted; nothing was done/);
  assert.equal((await world.coax('vm', 'ls', '-o', 'name')).stdout, 'a\nb\nc\n');
  const done = await world.coax('revert', '-l', 'env=test', '--yes', '--reason', 'tidy', '-o', 'name');
  assert.deepEqual([done.status, done.stdout], [0, '1\n2\n'], done.stderr);
  const waited = await world.coax('wait', '1', '2');
  assert.notEqual(waited.status, null);
  assert.equal((await world.coax('vm', 'ls', '-o', 'name')).stdout, 'c\n');
  const none = await world.coax('revert', '-l', 'env=test', '--yes', '-r', 'tidy');
  assert.deepEqual([none.status, none.stdout, none.stderr], [0, '', 'no such message\n']);
  const nothing = await world.coax('revert', '-l', 'env=none');
  assert.deepEqual([nothing.status, nothing.stdout, nothing.stderr], [0, '', 'no such message\n']);
});

test('cancel turns back all of a flow that are under way; what is named twice or not at all is refused', async () => {
  for (let n = 0; n < 3; n++) {
    const made = await world.coax('run', 'stuck', '--label', 'wave=1');
    assert.equal(made.status, 0, made.stderr);
  }
  const silent = await world.coax('cancel', '-l', 'wave=1', '--yes');
  assert.equal(silent.status, 2);
  assert.match(silent.stderr, /needs a reason/);
  const done = await world.coax('cancel', '-l', 'wave=1', '--yes', '-r', 'no use', '-o', 'name');
  assert.deepEqual([done.status, done.stdout], [0, '4\n5\n6\n'], done.stderr);
  for (const words of [
    ['cancel'],
    ['cancel', '1', '-l', 'wave=1'],
    ['cancel', '1', '--yes'],
    ['resolve', '1'],
    ['resolve', 'retry'],
    ['resolve', '1', 'retry', '-l', 'wave=1'],
    ['rewind', '--to', '0'],
    ['fork', '1', '--flow', 'stuck'],
  ])
    assert.equal((await world.coax(...words)).status, 2, words.join(' '));
});

test('fork starts again what was rolled back, rewind lists what it would do, resolve decides for all that are parked', async () => {
  await world.coax('wait', '4', '5', '6');
  const look = await world.coax('fork', '-l', 'wave=1');
  assert.equal(look.status, 2);
  assert.match(look.stderr, /3 messages would be started again; nothing was done/);
  const forks = await world.coax('fork', '-l', 'wave=1', '--yes', '-r', 'once more', '-o', 'json');
  assert.equal(forks.status, 0, forks.stderr);
  const made = (JSON.parse(forks.stdout) as { items: { made: number }[] }).items.map(({ made }) => made);
  assert.deepEqual(
    made.toSorted((a, b) => a - b),
    [7, 8, 9],
  );
  const rewind = await world.coax('rewind', '--flow', 'create_vm', '-s', 'done', '--to', '0', '-o', 'name');
  assert.deepEqual([rewind.status, rewind.stdout], [2, '3\n'], rewind.stderr);
  const parked = await world.coax('resolve', 'retry', '--flow', 'create_vm', '--yes', '-r', 'it is back');
  assert.deepEqual([parked.status, parked.stderr], [0, 'no such message\n']);
});

test('what can be done to none of them is not offered', async () => {
  const many = ['rewind', '--flow', 'create_vm', '-l', 'env=prod', '--to', '9'];
  for (const words of [[], ['--yes', '-r', 'tidy']]) {
    const none = await world.coax(...many, ...words);
    assert.equal(none.status, 5, none.stderr);
    assert.doesNotMatch(none.stderr, /--yes/);
  }
  const look = await world.coax(...many);
  assert.match(look.stderr, /^this message cannot be rewound: NOTE says why$/m);
  const json = await world.coax(...many, '-o', 'json');
  assert.equal(JSON.parse(json.stdout).items[0].outcome, 'refused');
});
