/** Real guests on a host with an agent: they outlive it, and what it left half done is taken up. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { qemuMissing } from '../../src/cloud/compute/qemu/missing.ts';
import { until } from '../system/process-fixture.ts';
import { Fleet, guestPids } from './fleet-fixture.ts';

const missing = qemuMissing();
const skip =
  process.getuid?.() !== 0
    ? 'network namespaces are made by root'
    : missing.length > 0
      ? `no real guests here: ${missing.join('; ')}`
      : false;

/** Runs a program as if the machine had been booted anew: its kernel says another boot id. */
function afterBoot(fleet: Fleet): string[] {
  const file = fleet.processes.path('boot-id');
  writeFileSync(file, `${randomUUID()}\n`);
  const script = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"';
  return ['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', script, file];
}

test('an agent that is killed in the middle of a create carries on; upgraded, it adopts; after a boot it starts anew', {
  skip,
}, async () => {
  await using fleet = await Fleet.open();
  await fleet.lan.add('a');
  const dataDir = fleet.processes.path('a');
  let agent = await fleet.join('a');

  // Killed as soon as the guest's process is there, before its page answers.
  const { msgid } = await fleet.client.submit({
    flow: 'create_vm',
    parameters: { cpu: 1, mem: 128, name: 'web', labels: { fleet: 'yes' } },
  });
  await until('the guest starts', () => guestPids(dataDir).length > 0);
  agent.signal('SIGKILL');
  await agent.ended;
  const [pid] = guestPids(dataDir);
  agent = await fleet.agent('a');
  const made = await fleet.client.waitFor(msgid);
  assert.equal(made.status, 'done', JSON.stringify(made.error));
  assert.deepEqual(guestPids(dataDir), [pid], 'adopted, not made twice');

  // Stopped in order, and started again: as an upgrade does.
  agent.signal('SIGTERM');
  assert.equal(await agent.ended, 0, agent.output);
  assert.deepEqual(guestPids(dataDir), [pid]);
  agent = await fleet.agent('a');
  await until('it is told of', () => fleet.status('a')?.guests === 1);
  await until(
    'its host tells what it uses',
    async () => (await fleet.client.vmUse('web')).use?.rssBytes !== undefined,
  );
  const rebooted = await fleet.run('reboot_vm', { name: 'web' });
  assert.equal(rebooted.status, 'done', JSON.stringify(rebooted.error));
  assert.deepEqual(guestPids(dataDir), [pid]);

  // The host loses its power: agent, guests and their network are gone; its disk is not.
  agent.signal('SIGKILL');
  await agent.ended;
  await fleet.powerOff('a');
  agent = await fleet.agent('a', [], {}, afterBoot(fleet));
  const started = await fleet.run('start_vm', { name: 'web' });
  assert.equal(started.status, 'done', JSON.stringify(started.error));
  assert.equal(guestPids(dataDir).length, 1);

  await fleet.client.revert(msgid, { reason: 'to see', force: true });
  assert.equal((await fleet.client.waitFor(msgid)).status, 'rolled_back');
  assert.deepEqual(guestPids(dataDir), []);
  assert.deepEqual((await fleet.client.fsck()).faults, []);
});
