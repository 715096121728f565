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
  const none = await world.coax('revert', '-l', 'env=test', '--yes');
  assert.deepEqual([none.status, none.stdout], [0, 'reverted: 0 messages\n']);
});

test('cancel turns back all of a flow that are under way; what is named twice or not at all is refused', async () => {
  for (let n = 0; n < 3; n++) {
    const made = await world.coax('run', 'stuck', '--label', 'wave=1');
    assert.equal(made.status, 0, made.stderr);
  }
  const done = await world.coax('cancel', '-l', 'wave=1', '--yes', '-o', 'name');
  assert.deepEqual([done.status, done.stdout], [0, '4\n5\n6\n'], done.stderr);
  for (const words of [['cancel'], ['cancel', '1', '-l', 'wave=1'], ['cancel', '1', '--yes']])
    assert.equal((await world.coax(...words)).status, 2, words.join(' '));
});
