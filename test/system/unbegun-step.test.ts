import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CliWorld, PROBE } from './cli-fixture.ts';

const FLOW = `name: unready
steps:
  - {do: probe work, timeout: 60s}
  - {do: probe plain, timeout: 60s}
`;

const world = new CliWorld();

before(async () => {
  world.file('modules/probe/work', PROBE, 0o755);
  world.file('modules/probe/plain', PROBE);
  world.file('flows/unready.yaml', FLOW);
  const { status, stderr } = await world.coax(
    'up',
    '--detach',
    '--simulate',
    '--listen',
    '127.0.0.1:0',
    '--modules',
    `${world.dir}/modules`,
    '--flows',
    `${world.dir}/flows`,
  );
  assert.equal(status, 0, stderr);
});
after(() => world.close());

test('a step whose script is not executable is not undone: what was done before is, and nothing parks', async () => {
  const { status, stdout, stderr } = await world.coax('run', 'unready', '--wait', '-o', 'json');
  assert.equal(status, 1, stderr);
  const message = JSON.parse(stdout);
  assert.deepEqual([message.status, message.cause], ['rolled_back', 'failed']);
  assert.deepEqual([message.error.code, message.error.begun], ['COAX_STEP_START', false]);
  assert.match(message.error.reason, /plain is not executable; chmod \+x /);
  assert.deepEqual(
    message.steps.map(({ state }: { state: string }) => state),
    ['undone', 'pending'],
  );
  const log = JSON.parse((await world.coax('log', String(message.msgid), '-o', 'json')).stdout);
  const outcomes = log.items.map(({ mode, cursor, outcome }: Record<string, unknown>) => [
    mode,
    cursor,
    outcome,
  ]);
  assert.deepEqual(
    outcomes.toSorted((a: unknown, b: unknown) => String(a).localeCompare(String(b))),
    [
      ['normal', 0, 'accepted'],
      ['normal', 0, 'ok'],
      ['normal', 1, 'failed'],
      ['rollback', 0, 'ok'],
    ],
  );
  const fsck = await world.coax('fsck');
  assert.equal(fsck.status, 0, fsck.stdout + fsck.stderr);
});
