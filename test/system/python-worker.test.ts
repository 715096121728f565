import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { plan } from './access-fixture.ts';
import { Processes, type Program, until } from './process-fixture.ts';

const WORKER = fileURLToPath(new URL('../../examples/worker.py', import.meta.url));

test('a worker of forty lines of Python does, undoes, and is taken over when it is killed', async t => {
  assert.ok(readFileSync(WORKER, 'utf8').split('\n').length <= 46, 'it is short');
  await using processes = new Processes();
  const { url, token, client } = await processes.server('data');
  // Nobody waits here for the end of such a lease.
  const script = processes.path('worker.py');
  const patient = readFileSync(WORKER, 'utf8').replaceAll('leaseMs=30000', 'leaseMs=3600000');
  assert.ok(!patient.includes('=30000') && patient.includes('=3600000'));
  writeFileSync(script, patient);
  const python = (): Program => processes.start('python3', [script], { COAX_URL: url, COAX_TOKEN: token });
  const living = async (pid: number) =>
    (await client.workers()).items.find(worker => worker.pid === pid && worker.role === 'http');
  const first = python();
  const told = await until('the worker is known', () => living(first.pid));
  assert.equal(told.modules[0]?.module, 'note');
  assert.deepEqual(told.addresses, ['note']);

  const parameters = { path: processes.path('a'), text: 'hello' };
  const done = await client.submit({ plan: plan('note write'), parameters });
  assert.equal((await client.waitFor(done.msgid, { timeoutMs: 180_000 })).status, 'done');
  assert.equal(readFileSync(parameters.path, 'utf8'), `${done.msgid}.0 hello\n`);
  const commit = (await client.commits(done.msgid)).items[0];
  assert.equal(commit?.worker, told.name);
  assert.equal(commit?.code, told.modules[0]?.actions[0]?.code, 'the code that ran is in the ledger');

  const taken = await client.submit({ plan: plan('note write'), parameters });
  const refused = await client.waitFor(taken.msgid, { timeoutMs: 180_000 });
  assert.deepEqual([refused.status, refused.error?.code], ['rolled_back', 'TAKEN']);
  assert.ok(existsSync(parameters.path), 'what another message made stays');

  await client.revert(done.msgid, { reason: 'test' });
  await until('it is undone', async () => (await client.message(done.msgid)).status === 'rolled_back');
  assert.equal(existsSync(parameters.path), false);

  // Killed after it wrote and before it said so: the next worker finds that it was done.
  const slow = { path: processes.path('b'), text: 'once', seconds: 600 };
  const { msgid } = await client.submit({ plan: plan('note write'), parameters: slow });
  await until('it is under way', () => existsSync(slow.path));
  const second = python();
  await until('another is there', () => living(second.pid));
  first.signal('SIGKILL');
  const killed = performance.now();
  await until('it is taken over', async () => (await client.message(msgid)).status === 'done');
  const tookMs = performance.now() - killed;
  t.diagnostic(`a killed worker's step was done by another ${tookMs.toFixed(0)} ms after its death`);
  assert.equal((await client.commits(msgid)).items[0]?.worker, (await living(second.pid))?.name);
  assert.equal(readFileSync(slow.path, 'utf8'), `${msgid}.0 once\n`);
  assert.equal((await client.fsck()).ok, true);
});
