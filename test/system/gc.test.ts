/** `coax gc` and `coax fsck` on a real server whose simulated hosts do not have what is on record. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openSimulated } from '../../src/cloud/compute/simulated/simulated.ts';
import { CliWorld } from './cli-fixture.ts';

const NEVER = new AbortController().signal;
const STRANGE = '00000000-0000-4000-8000-000000000001';

const world = new CliWorld();
before(async () => {
  const up = await world.coax('up', '-d', '--simulate', '--listen', '127.0.0.1:0');
  assert.equal(up.status, 0, up.stderr);
});
after(() => world.close());

const json = async <T>(...args: string[]): Promise<{ status: number; answer: T }> => {
  const { status, stdout, stderr } = await world.coax(...args, '-o', 'json');
  assert.notEqual(stdout, '', stderr);
  return { status: status!, answer: JSON.parse(stdout) as T };
};

interface Gc {
  readonly apply: boolean;
  readonly differences: readonly { host: string; name: string; found: string; action: string }[];
  readonly faults: readonly string[];
}

const gc = async (...args: string[]) => {
  const { status, answer } = await json<Gc>('gc', ...args);
  assert.equal(status, 0);
  assert.deepEqual(answer.faults, []);
  return answer.differences.map(({ host, name, found, action }) => [host, name, found, action]);
};

const fsck = async () => {
  const { answer } = await json<{ faults: { kind: string; hint: string }[] }>('fsck');
  return answer.faults.map(({ kind, hint }) => [kind, /`coax [^`]*`/.exec(hint)![0]]);
};

async function makeVm(name: string, host: string): Promise<void> {
  const labels = JSON.stringify({ host });
  const run = await world.coax(
    'run',
    'create_vm',
    'cpu=1',
    'mem=128',
    `name=${name}`,
    `labels=${labels}`,
    '--wait',
  );
  assert.equal(run.status, 0, run.stderr);
}

test('gc deletes a guest that was left, makes a missing one anew, and names one that nobody knows', async () => {
  await makeVm('web', 'sim-1');
  await makeVm('db', 'sim-2');
  const first = openSimulated({ dataDir: world.dataDir, host: 'sim-1' });
  const second = openSimulated({ dataDir: world.dataDir, host: 'sim-2' });
  const [web] = await first.list();
  const [db] = await second.list();
  const removed = await world.coax('vm', 'rm', 'db', '--reason', 'to see', '--wait');
  assert.equal(removed.status, 0, removed.stderr);
  assert.deepEqual(await second.list(), []);
  assert.deepEqual(await gc(), []);

  await first.destroy(web!.uuid, NEVER);
  await second.create(db!.spec, NEVER);
  await second.create({ ...db!.spec, uuid: STRANGE, name: 'x', msgid: 999_999 }, NEVER);
  const differences = [
    ['sim-1', 'web', 'none', 'restore'],
    ['sim-2', 'db', 'running', 'delete'],
    ['sim-2', 'x', 'running', 'none'],
  ];
  assert.deepEqual((await fsck()).sort(), [
    ['guest-left', `\`coax gc\``],
    ['guest-left', `\`coax host reconcile sim-2 --apply --delete-unknown ${STRANGE}\``],
    ['guest-missing', '`coax host reconcile sim-1 --apply`'],
  ]);
  assert.deepEqual(await gc('--dry-run'), differences);
  assert.equal(await first.find(web!.uuid), null);
  assert.equal((await second.list()).length, 2);

  assert.deepEqual(await gc(), differences);
  const anew = await first.find(web!.uuid);
  assert.deepEqual(anew?.spec, web!.spec);
  assert.equal(anew?.state, 'running');
  assert.deepEqual(
    (await second.list()).map(({ uuid }) => uuid),
    [STRANGE],
  );
  assert.deepEqual(await gc(), differences.slice(2));

  const told = ['host', 'reconcile', 'sim-2', '--apply', '--delete-unknown', STRANGE];
  assert.equal((await world.coax(...told)).status, 0);
  assert.deepEqual(await second.list(), []);
  assert.deepEqual(await fsck(), []);
});
