import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSimulated, type SimulatedOptions } from '../../src/cloud/compute/simulated/simulated.ts';
import { simulatedHosts } from '../../src/cloud/simulated-hosts.ts';
import { CoaxError } from '../../src/errors/coax-error.ts';
import { parametersOf } from '../../src/message/parameters.ts';
import type { PlacementRecord } from '../../src/placement/choice.ts';
import {
  type CloudFixture,
  type FixtureOptions,
  noHypervisor,
  noNetwork,
  openFixture,
} from './cloud-fixture.ts';

const BY = { actor: 'test', reason: 'to see' };

/** One folder for a test that opens servers on it one after the other. */
async function withFolder(work: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'coax-cloud-'));
  try {
    await work(dataDir);
  } finally {
    rmSync(dataDir, { recursive: true });
  }
}

/** A server on whose hosts operations fail as `fail` says. */
async function failing(
  fail: NonNullable<SimulatedOptions['fail']>,
  more: FixtureOptions = {},
): Promise<CloudFixture> {
  const dataDir = mkdtempSync(join(tmpdir(), 'coax-cloud-'));
  const fixture = await openFixture({ ...more, dataDir, hypervisor: openSimulated({ dataDir, fail }) });
  return {
    ...fixture,
    async [Symbol.asyncDispose]() {
      await fixture.stop();
      rmSync(dataDir, { recursive: true });
    },
  };
}

const used = async ({ cloud }: CloudFixture) => {
  const hosts = await cloud.hosts();
  const networks = await cloud.networks();
  return {
    cpu: hosts.reduce((sum, host) => sum + host.cpu.used, 0),
    mem: hosts.reduce((sum, host) => sum + host.memMib.used, 0),
    addresses: networks.reduce((sum, network) => sum + network.addresses.used, 0),
    vms: (await cloud.vms()).length,
  };
};
const NOTHING = { cpu: 0, mem: 0, addresses: 0, vms: 0 };

test('create_vm: four steps later the VM is there, on record, with its address and claim', async () => {
  await using fixture = await openFixture();
  const { cloud, store } = fixture;
  const message = await fixture.run('create_vm', { cpu: 2, mem: 4096 });
  assert.equal(message.phase, 'done', JSON.stringify(message.error));
  const { host, ip, mac, uuid, url, name } = parametersOf(message);
  assert.equal(name, `vm-${message.msgid}`);
  assert.equal(ip, '10.78.0.2');
  assert.equal(url, 'http://10.78.0.2/');
  const vm = await cloud.vm(`vm-${message.msgid}`);
  assert.deepEqual(vm, {
    ...vm!,
    name,
    host,
    ip,
    mac,
    uuid,
    url,
    cpu: 2,
    memMib: 4096,
    state: 'running',
    simulated: true,
    msgid: message.msgid,
  });
  assert.deepEqual(await cloud.vm(String(uuid).slice(0, 8)), vm);
  assert.deepEqual(await cloud.vms(), [vm]);
  assert.deepEqual(await used(fixture), { cpu: 2, mem: 4096, addresses: 1, vms: 1 });
  assert.match(await cloud.consoleTail(String(name), 1000), /booted/);
  const chosen = (await store.commits(message.msgid)).find(({ step }) => step === 'resource select_host')!;
  const why = chosen.detail as unknown as PlacementRecord;
  assert.equal(why.host, host);
  assert.deepEqual(why.filters[0], { name: 'up', before: 4, removed: 0, after: 4, examples: [] });
  assert.match(why.reason, /^sim-1: 4 of 4 hosts fit, score .* by packing$/);
  assert.deepEqual(await cloud.fsck(), []);
});

test('reverting a message gives everything back', async () => {
  await using fixture = await openFixture();
  const { msgid } = await fixture.run('create_vm', { cpu: 2, mem: 4096, name: 'web-1' });
  await fixture.decisions.revert(msgid, BY);
  assert.equal((await fixture.rest(msgid)).phase, 'rolled_back');
  assert.deepEqual(await used(fixture), NOTHING);
  assert.deepEqual(await fixture.store.allocations(), []);
  assert.deepEqual(await fixture.cloud.fsck(), []);
  // Name, address and capacity are free again.
  const again = await fixture.run('create_vm', { cpu: 2, mem: 4096, name: 'web-1' });
  assert.equal(parametersOf(again).ip, '10.78.0.2');
});

test('a failure in compute rolls back the claim, the name and the address', async () => {
  await using fixture = await failing(operation => {
    if (operation === 'create') throw new CoaxError('COAX_HYPERVISOR', 'the disk is full');
  });
  const message = await fixture.run('create_vm', { cpu: 2, mem: 4096 });
  assert.equal(message.phase, 'rolled_back');
  assert.equal(message.cause, 'failed');
  assert.equal(message.error?.code, 'COAX_HYPERVISOR');
  assert.deepEqual(await used(fixture), NOTHING);
  assert.deepEqual(await fixture.cloud.fsck(), []);
});

test('when no host fits, the message says in one sentence what would', async () => {
  await using fixture = await openFixture();
  const message = await fixture.run('create_vm', { cpu: 2, mem: 409_600 });
  assert.equal(message.phase, 'rolled_back');
  assert.equal(message.error?.code, 'COAX_NO_VALID_HOST');
  assert.match(
    message.error!.reason,
    /^no host fits cpu=2 mem=409600: 4 hosts, memory removed 4 \(most free: 262,144 MiB on sim-\d\); ask for at most mem=262144$/,
  );
  assert.match(JSON.stringify(message.error!.detail), /"filters"/);
});

test('200 requests at once for room for 10: exactly 10 get it', async () => {
  const small = simulatedHosts('')
    .slice(0, 2)
    .map(host => ({ ...host, cpuTotal: 5, memTotalMib: 5000 }));
  await using fixture = await openFixture({ simulatedHosts: small });
  const msgids = await Promise.all(
    Array.from({ length: 200 }, () => fixture.submit('create_vm', { cpu: 1, mem: 1000 })),
  );
  const messages = await Promise.all(msgids.map(fixture.rest));
  assert.equal(messages.filter(({ phase }) => phase === 'done').length, 10);
  assert.equal(messages.filter(({ error }) => error?.code === 'COAX_NO_VALID_HOST').length, 190);
  assert.deepEqual(await used(fixture), { cpu: 10, mem: 10_000, addresses: 10, vms: 10 });
  assert.equal(new Set((await fixture.cloud.vms()).map(({ ip }) => ip)).size, 10);
  assert.deepEqual(await fixture.cloud.fsck(), []);
  for (const { msgid, phase } of messages) if (phase === 'done') await fixture.decisions.revert(msgid, BY);
  await Promise.all(msgids.map(fixture.rest));
  assert.deepEqual(await used(fixture), NOTHING);
  assert.deepEqual(await fixture.cloud.fsck(), []);
});

test('a name that is taken is refused before anything is built, and names its holder', async () => {
  await using fixture = await openFixture();
  const { msgid } = await fixture.run('create_vm', { cpu: 1, mem: 128, name: 'web-1' });
  const second = await fixture.run('create_vm', { cpu: 1, mem: 128, name: 'web-1' });
  assert.equal(second.error?.code, 'COAX_VM_EXISTS');
  assert.match(second.error!.reason, new RegExp(`message ${msgid} made it`));
  assert.deepEqual(await used(fixture), { cpu: 1, mem: 128, addresses: 1, vms: 1 });
});

test('stop, start and reboot work on a VM by its name, and each can be reverted', async () => {
  await using fixture = await openFixture();
  const { cloud, decisions } = fixture;
  const state = async () => [(await cloud.vm('web-1'))!.state, (await cloud.vms())[0]!.state];
  const made = await fixture.run('create_vm', { cpu: 1, mem: 128, name: 'web-1' });
  const stopped = await fixture.run('stop_vm', { name: 'web-1' });
  assert.equal(stopped.phase, 'done', JSON.stringify(stopped.error));
  assert.deepEqual(await state(), ['stopped', 'stopped']);
  await assert.rejects(decisions.revert(made.msgid, BY), { code: 'COAX_MESSAGE_BUILT_ON' });
  await decisions.revert(stopped.msgid, BY);
  assert.equal((await fixture.rest(stopped.msgid)).phase, 'rolled_back');
  assert.deepEqual(await state(), ['running', 'running']);

  await fixture.run('stop_vm', { name: 'web-1' });
  const twice = await fixture.run('stop_vm', { name: 'web-1' });
  await decisions.revert(twice.msgid, BY);
  await fixture.rest(twice.msgid);
  assert.deepEqual(await state(), ['stopped', 'stopped'], 'it was stopped before, so it stays stopped');

  assert.equal((await fixture.run('reboot_vm', { name: 'web-1' })).error?.code, 'COAX_HYPERVISOR');
  assert.equal((await fixture.run('start_vm', { name: 'web-1' })).phase, 'done');
  assert.equal((await fixture.run('reboot_vm', { name: 'web-1' })).phase, 'done');
  assert.deepEqual(await state(), ['running', 'running']);
  assert.equal((await fixture.run('stop_vm', { name: 'web-2' })).error?.code, 'COAX_NOT_FOUND');
  assert.deepEqual(await cloud.fsck(), []);

  await decisions.revert(made.msgid, BY, true);
  assert.equal((await fixture.rest(made.msgid)).phase, 'rolled_back');
  assert.deepEqual(await fixture.store.allocations(), []);
  assert.deepEqual(await cloud.fsck(), []);
});

test('create_vms makes one VM for each name; when one fails, all are undone', async () => {
  const broken = { name: '' };
  await using fixture = await failing((operation, _uuid) => {
    if (operation === 'create' && broken.name) throw new CoaxError('COAX_HYPERVISOR', 'no');
  });
  const names = ['a-1', 'a-2', 'a-3'];
  const done = await fixture.run('create_vms', { names, cpu: 1, mem: 128 });
  assert.equal(done.phase, 'done', JSON.stringify(done.error));
  assert.deepEqual(
    (await fixture.cloud.vms()).map(({ name }) => name),
    names,
  );
  const collected = parametersOf(done).vms as { ip: string }[];
  assert.deepEqual(collected.map(({ ip }) => ip).sort(), ['10.78.0.2', '10.78.0.3', '10.78.0.4']);
  const clash = await fixture.run('create_vms', { names: ['b-1', 'a-2'], cpu: 1, mem: 128 });
  assert.equal(clash.phase, 'rolled_back');
  assert.deepEqual(
    (await fixture.cloud.vms()).map(({ name }) => name),
    names,
  );
  broken.name = 'any';
  assert.equal((await fixture.run('create_vms', { names: ['c-1'], cpu: 1, mem: 128 })).phase, 'rolled_back');
  assert.deepEqual(await used(fixture), { cpu: 3, mem: 384, addresses: 3, vms: 3 });
  assert.deepEqual(await fixture.cloud.fsck(), []);
});

test('a restarted server finds its guests, keeps what is claimed, and says so', async () => {
  await withFolder(async dataDir => {
    const first = await openFixture({ dataDir });
    await first.run('create_vm', { cpu: 2, mem: 4096, name: 'web-1' });
    const before = await first.cloud.vms();
    await first.stop();
    const lines: string[] = [];
    await using second = await openFixture({ dataDir, lines });
    assert.deepEqual(lines, ['found 1 simulated guest, 1 running']);
    assert.deepEqual(await second.cloud.vms(), before);
    assert.deepEqual(await used(second), { cpu: 2, mem: 4096, addresses: 1, vms: 1 });
    assert.deepEqual(await second.cloud.fsck(), []);
  });
});

test('without --simulate the simulated hosts are down, and their VMs can still be removed', async () => {
  await withFolder(async dataDir => {
    const first = await openFixture({ dataDir });
    const { msgid } = await first.run('create_vm', { cpu: 2, mem: 4096, name: 'web-1' });
    await first.stop();
    // This machine has no QEMU, as far as this server knows.
    const hostNetwork = noNetwork();
    await using second = await openFixture({
      dataDir,
      simulate: false,
      hostNetwork,
      hypervisor: noHypervisor(),
      hostName: 'node-a',
    });
    const states = Object.fromEntries((await second.cloud.hosts()).map(({ name, state }) => [name, state]));
    assert.deepEqual(states, {
      'node-a': 'up',
      'sim-1': 'down',
      'sim-2': 'down',
      'sim-3': 'down',
      'sim-4': 'down',
    });
    await second.decisions.revert(msgid, BY);
    assert.equal((await second.rest(msgid)).phase, 'rolled_back');
    assert.deepEqual(await used(second), NOTHING);
  });
});

test('fsck finds a counter that is wrong, an address that is nobody’s, a guest left and a guest missing', async () => {
  await using fixture = await openFixture();
  const { cloud, store, dataDir } = fixture;
  const { msgid } = await fixture.run('create_vm', { cpu: 2, mem: 4096, name: 'web-1' });
  const vm = (await cloud.vm('web-1'))!;
  const hypervisor = openSimulated({ dataDir, host: vm.host });
  const signal = new AbortController().signal;
  const guest = (await hypervisor.find(vm.uuid!))!;
  await hypervisor.destroy(vm.uuid!, signal);
  const stray = {
    ...guest.spec,
    uuid: '11111111-2222-8333-8444-555555555555',
    name: 'stray',
    msgid: msgid + 100,
  };
  await hypervisor.create(stray, signal);
  await store.transact(async ({ db }) => {
    await db.updateTable('hosts').set({ cpu_used: 7 }).where('name', '=', vm.host).execute();
    await db.updateTable('free_ranges').set({ high: 1 }).execute();
    await db
      .insertInto('allocations')
      .values({
        kind: 'ip',
        key: '10.99.0.1',
        msgid: 999,
        detail: '{"network":"simulated","mac":"x"}',
        created: 0,
      })
      .execute();
  });
  const faults = await cloud.fsck();
  const found = faults.map(({ kind, where }) => `${kind}: ${where}`).sort();
  assert.deepEqual(found, [
    'address: address 10.99.0.1',
    'address: network simulated',
    `capacity: host ${vm.host}`,
    'guest-left: guest 11111111-2222-8333-8444-555555555555',
    'guest-missing: vm web-1',
    'leak: ip 10.99.0.1',
  ]);
  assert.ok(faults.every(({ reason, hint }) => reason && hint));
});

test('without a hypervisor the server opens all the same, and a create says what is missing and what works without', async () => {
  await withFolder(async dataDir => {
    writeFileSync(join(dataDir, 'file'), '');
    const cacheDir = join(dataDir, 'file', 'cache');
    await using fixture = await openFixture({
      dataDir,
      simulate: false,
      cacheDir,
      hostNetwork: noNetwork(),
      hostName: 'node-a',
    });
    const [host] = await fixture.cloud.hosts();
    assert.equal(host!.state, 'down');
    assert.equal(host!.hypervisor, 'none');
    assert.notEqual(host!.reason, '');
    assert.deepEqual(fixture.cloud.hostNames(), []);
    const message = await fixture.run('create_vm', { cpu: 1, mem: 128 });
    assert.equal(message.error?.code, 'COAX_NO_VALID_HOST');
    assert.ok(
      message.error!.reason.includes(`up removed 1 (node-a is down: ${host!.reason})`),
      message.error!.reason,
    );
    assert.match(message.error!.reason, /--simulate/);
    const qemu = (await fixture.cloud.doctor()).find(({ name }) => name === 'qemu')!;
    assert.equal(qemu.ok, false);
    assert.ok(qemu.about && qemu.fix);
  });
});
