/** Hosts with agents of their own on a network that are emptied, declared lost, and come back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSimulated } from '../../src/cloud/compute/simulated/simulated.ts';
import { until } from '../system/process-fixture.ts';
import { Fleet } from './fleet-fixture.ts';

const skip = process.getuid?.() === 0 ? false : 'network namespaces are made by root';

/** Names of the guests that a machine really has. */
async function guestsOf(fleet: Fleet, host: string): Promise<string[]> {
  const guests = await openSimulated({ dataDir: fleet.processes.path(host) }).list();
  return guests.filter(({ state }) => state === 'running').map(({ name }) => name);
}

async function openFleet(): Promise<Fleet> {
  const fleet = await Fleet.open();
  for (const machine of ['a', 'b']) await fleet.lan.add(machine);
  await Promise.all(
    ['a', 'b'].map(machine => fleet.join(machine, ['--simulate', '--label', `host=${machine}`])),
  );
  return fleet;
}

test('a host is drained: its agent lets the VM go and the other one makes it', {
  skip,
}, async () => {
  await using fleet = await openFleet();
  // Either of the two would do; the first one is chosen by draining the other.
  assert.equal((await fleet.run('drain_host', { host: 'b' })).status, 'done');
  const made = await fleet.createVm({ name: 'web' });
  assert.equal(made.parameters.host, 'a');
  assert.equal((await fleet.run('undrain_host', { host: 'b' })).status, 'done');
  assert.deepEqual(await guestsOf(fleet, 'a'), ['web']);

  const drained = await fleet.run('drain_host', { host: 'a', reason: 'new memory' });
  assert.equal(drained.status, 'done', JSON.stringify(drained.error));
  assert.equal(await fleet.hostState('a'), 'draining');
  assert.deepEqual([await guestsOf(fleet, 'a'), await guestsOf(fleet, 'b')], [[], ['web']]);
  assert.equal((await fleet.client.vm('web')).host, 'b');
  assert.deepEqual((await fleet.client.fsck()).faults, []);

  // Removing it removes it where it is now.
  await fleet.client.revert(made.msgid, { reason: 'to see', force: true });
  assert.equal((await fleet.client.waitFor(made.msgid)).status, 'rolled_back');
  assert.deepEqual(await guestsOf(fleet, 'b'), []);
});

test('a host is lost: what waits for it walks back and owes the guest, which is deleted when it returns', {
  skip,
}, async () => {
  await using fleet = await openFleet();
  const onA = { labels: { host: 'a' } };
  const web = await fleet.createVm({ ...onA, name: 'web' });
  const db = await fleet.createVm({ ...onA, name: 'db' });
  await fleet.lan.cut('a');
  await fleet.untilState('a', 'down');
  const { faults, notes } = await fleet.client.fsck();
  assert.deepEqual(faults, []);
  assert.match(
    notes!.join(),
    /^host a was not compared with its 2 VMs: it is down, and its last report is of /,
  );

  await fleet.client.revert(web.msgid, { reason: 'to see', force: true });
  const stop = await fleet.client.submit({ flow: 'stop_vm', parameters: { name: 'db' } });
  const lost = await fleet.run('lose_host', { host: 'a', reason: 'its cable is out', fenced: true });
  assert.equal(lost.status, 'done', JSON.stringify(lost.error));
  assert.equal((await fleet.client.waitFor(web.msgid)).status, 'rolled_back');
  const stopped = await fleet.client.waitFor(stop.msgid);
  assert.equal(stopped.status, 'rolled_back');
  assert.equal(stopped.error?.code, 'COAX_HOST_LOST');
  const owed = async () => (await fleet.client.hosts()).items.find(({ name }) => name === 'a')!.owed;
  assert.equal(await owed(), 1);
  // The guest runs on there all the while, and nobody could tell it.
  assert.deepEqual((await guestsOf(fleet, 'a')).sort(), ['db', 'web']);

  await fleet.lan.mend('a');
  await fleet.untilState('a', 'up');
  assert.deepEqual(await guestsOf(fleet, 'a'), ['db']);
  assert.equal(await owed(), 0);
  await until('a stop is done by its agent', async () => {
    const message = await fleet.run('stop_vm', { name: 'db' });
    return message.status === 'done';
  });
  assert.deepEqual(await guestsOf(fleet, 'a'), []);
  const after = await fleet.client.fsck();
  assert.deepEqual([after.faults, after.notes], [[], []]);
  assert.equal((await fleet.client.message(db.msgid)).status, 'done');
});

test('fsck tells which VM a host has in another state than is on record, and the command that it names mends it', {
  skip,
}, async () => {
  await using fleet = await openFleet();
  const onA = { labels: { host: 'a' } };
  const web = await fleet.createVm({ ...onA, name: 'web' });
  await fleet.createVm({ ...onA, name: 'db' });
  assert.equal((await fleet.run('stop_vm', { name: 'db' })).status, 'done');
  // Behind the agent's back, one is powered off and the other started.
  const host = openSimulated({ dataDir: fleet.processes.path('a') });
  const { signal } = new AbortController();
  for (const { name, uuid } of await host.list())
    await (name === 'web' ? host.stop(uuid, 0, signal) : host.start(uuid, signal));
  const told = async () => (await fleet.client.fsck()).notes!;
  await until('the agent has told it', async () => (await told()).length === 2);
  const { faults, notes } = await fleet.client.fsck();
  assert.deepEqual(faults, []);
  const [db, stopped] = [...notes!].sort();
  assert.match(
    db!,
    /^vm db is stopped on record \(message \d+, 2\S+Z\), and host a has it running since 2\S+Z \(told 2\S+Z\): `coax host reconcile a --apply` puts on record that it runs/,
  );
  assert.match(
    stopped!,
    new RegExp(
      `^vm web is running on record \\(message ${web.msgid}, \\S+\\), and host a has it stopped since .*: \`coax host reconcile a --apply\` starts it`,
    ),
  );
  const mended = await fleet.run('reconcile_host', { host: 'a', apply: true });
  assert.equal(mended.status, 'done', JSON.stringify(mended.error));
  assert.deepEqual((await guestsOf(fleet, 'a')).sort(), ['db', 'web']);
  const after = await fleet.client.fsck();
  assert.deepEqual([after.faults, after.notes], [[], []]);
});
