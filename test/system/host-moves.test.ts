/** VMs that move: one by one, as a host is drained, and back; whatever fails, each runs on exactly one host. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { simulatedHost } from '../../src/cloud/compute/simulated/shared-guests.ts';
import { owedTables } from '../../src/cloud/owed/schema.ts';
import { registerHosts } from '../../src/cloud/resource/register-hosts.ts';
import { simulatedHosts } from '../../src/cloud/simulated-hosts.ts';
import { parametersOf, partlyOf } from '../../src/message/parameters.ts';
import { fsckStore } from '../../src/store/fsck.ts';
import { onBothEngines } from './both-engines.ts';
import { type CloudFixture, openFixture } from './cloud-fixture.ts';

const BY = { actor: 'test', reason: 'to see' };

async function vmAt(fixture: CloudFixture, host: string, name: string, labels = {}): Promise<number> {
  const wish = { cpu: 1, mem: 96, name, labels };
  const message = await fixture.run('create_vm', wish);
  assert.equal(message.phase, 'done', JSON.stringify(message.error));
  if (parametersOf(message).host !== host) {
    const moved = await fixture.run('move_vm', { name, to: host });
    assert.equal(moved.phase, 'done', JSON.stringify(moved.error));
  }
  return message.msgid;
}

/** Where each VM is on record, and where its guest runs. */
async function places({ cloud, store, dataDir }: CloudFixture): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const vm of await cloud.vms()) found[vm.name] = vm.host;
  const guests: Record<string, string> = {};
  for (const { name: host } of await cloud.hosts())
    for (const guest of await simulatedHost(store, dataDir, host).list())
      guests[guest.name] = `${guests[guest.name] ?? ''}${host}${guest.state === 'running' ? '' : ' stopped'}`;
  assert.deepEqual(guests, found);
  return found;
}

async function usedCpus({ cloud }: CloudFixture): Promise<Record<string, number>> {
  return Object.fromEntries((await cloud.hosts()).map(({ name, cpu }) => [name, cpu.used]));
}

const stateOf = async ({ cloud }: CloudFixture, name: string) =>
  (await cloud.hosts()).find(host => host.name === name)?.state;

onBothEngines('moves', options => {
  test('a VM moves with its name, address and uuid; removing it removes it where it is now', async () => {
    await using fixture = await openFixture(options());
    const msgid = await vmAt(fixture, 'sim-1', 'web');
    const was = (await fixture.cloud.vm('web'))!;
    const moved = await fixture.run('move_vm', { name: 'web', to: 'sim-4' });
    assert.equal(moved.phase, 'done', JSON.stringify(moved.error));
    assert.deepEqual(await places(fixture), { web: 'sim-4' });
    assert.deepEqual(await fixture.cloud.vm('web'), { ...was, host: 'sim-4' });
    assert.deepEqual(await usedCpus(fixture), { 'sim-1': 0, 'sim-2': 0, 'sim-3': 0, 'sim-4': 1 });
    assert.deepEqual(await fixture.cloud.fsck(), []);
    const amended = (await fixture.store.commits(msgid)).at(-1)!;
    assert.equal(amended.outcome, 'amend');
    assert.deepEqual(amended.set, { host: 'sim-4' });
    await fixture.decisions.revert(msgid, BY, true);
    assert.equal((await fixture.rest(msgid)).phase, 'rolled_back');
    assert.deepEqual(await places(fixture), {});
    assert.deepEqual(await usedCpus(fixture), { 'sim-1': 0, 'sim-2': 0, 'sim-3': 0, 'sim-4': 0 });
    assert.deepEqual(await fixture.store.allocations(), []);
    assert.deepEqual(await fixture.cloud.fsck(), []);
  });

  test('of moves to a host that has room for one, the other is rolled back alone', async () => {
    const [first] = simulatedHosts('simulated');
    const hosts = [8, 8, 4].map((cpuTotal, at) => ({ ...first!, name: `h${at + 1}`, cpuTotal }));
    await using fixture = await openFixture({ ...options(), simulatedHosts: hosts });
    for (const [name, host] of [
      ['a', 'h1'],
      ['b', 'h2'],
    ]) {
      const wish = { cpu: 3, mem: 96, name: name!, labels: { host: host! } };
      assert.equal((await fixture.run('create_vm', wish)).phase, 'done');
    }
    const moves = await Promise.all(['a', 'b'].map(name => fixture.submit('move_vm', { name, to: 'h3' })));
    const ended = await Promise.all(moves.map(msgid => fixture.rest(msgid)));
    assert.deepEqual(ended.map(({ phase }) => phase).sort(), ['done', 'rolled_back']);
    assert.equal(ended.find(({ phase }) => phase === 'rolled_back')!.error?.code, 'COAX_NO_VALID_HOST');
    const { a, b } = await places(fixture);
    assert.deepEqual([a, b].filter(host => host === 'h3').length, 1);
    assert.ok(a === 'h1' || b === 'h2');
    assert.deepEqual(await fixture.cloud.fsck(), []);
  });

  test('a move that is reverted brings the VM back; one whose VM is gone asks a person first', async () => {
    await using fixture = await openFixture(options());
    await vmAt(fixture, 'sim-1', 'web');
    const there = await fixture.run('move_vm', { name: 'web', to: 'sim-2' });
    await fixture.decisions.revert(there.msgid, BY);
    assert.equal((await fixture.rest(there.msgid)).phase, 'rolled_back');
    assert.deepEqual(await places(fixture), { web: 'sim-1' });
    assert.deepEqual(await usedCpus(fixture), { 'sim-1': 1, 'sim-2': 0, 'sim-3': 0, 'sim-4': 0 });
    const again = await fixture.run('move_vm', { name: 'web', to: 'sim-2' });
    await fixture.run('move_vm', { name: 'web', to: 'sim-3' });
    await fixture.decisions.revert(again.msgid, BY, true);
    const parked = await fixture.rest(again.msgid);
    assert.equal(parked.phase, 'parked');
    assert.match(parked.undoError!.reason, /not on sim-2 any more.*gone=true/);
    await fixture.decisions.resolve(again.msgid, 'edit', { gone: true }, BY);
    assert.equal((await fixture.rest(again.msgid)).phase, 'rolled_back');
    assert.deepEqual(await places(fixture), { web: 'sim-3' });
    assert.deepEqual(await fixture.cloud.fsck(), []);
  });

  test('a drain that cannot move every VM does nothing and says which and why; partial moves the others', async () => {
    await using fixture = await openFixture(options());
    await vmAt(fixture, 'sim-1', 'a');
    await vmAt(fixture, 'sim-1', 'pinned', { host: 'sim-1' });
    const refused = await fixture.run('drain_host', { host: 'sim-1', reason: 'new memory' });
    assert.equal(refused.phase, 'rolled_back');
    assert.equal(refused.error?.code, 'COAX_HOST_STATE');
    assert.match(refused.error!.reason, /1 of the VMs on sim-1 cannot move \(pinned: no host fits/);
    assert.equal(await stateOf(fixture, 'sim-1'), 'up');
    const drained = await fixture.run('drain_host', { host: 'sim-1', partial: true });
    assert.equal(drained.phase, 'done', JSON.stringify(drained.error));
    const { a, pinned } = await places(fixture);
    assert.equal(pinned, 'sim-1');
    assert.notEqual(a, 'sim-1');
    assert.equal(await stateOf(fixture, 'sim-1'), 'draining');
    // It takes none, and is filled again when asked.
    const wish = { cpu: 1, mem: 96, labels: { host: 'sim-1' } };
    assert.equal((await fixture.run('create_vm', wish)).error?.code, 'COAX_NO_VALID_HOST');
    const back = await fixture.run('undrain_host', { host: 'sim-1', back: true });
    assert.equal(back.phase, 'done', JSON.stringify(back.error));
    assert.deepEqual(await places(fixture), { a: 'sim-1', pinned: 'sim-1' });
    assert.equal(await stateOf(fixture, 'sim-1'), 'up');
    assert.deepEqual(await fixture.cloud.fsck(), []);
  });

  test('a drain that is cancelled half-way brings back what it moved', async () => {
    const [first] = simulatedHosts('simulated');
    const host = (name: string, labels = {}) => ({ ...first!, name, labels });
    const hosts = [host('h1', { kind: 'x', other: 'y' }), host('h2', { other: 'y' })];
    await using fixture = await openFixture({ ...options(), simulatedHosts: hosts });
    await vmAt(fixture, 'h1', 'a', { other: 'y' });
    await vmAt(fixture, 'h1', 'b', { kind: 'x' });
    // The only other host for b is silent, so the drain comes no further than that.
    await fixture.store.transact(tx => registerHosts(tx, [host('far', { kind: 'x' })]));
    const msgid = await fixture.submit('drain_host', { host: 'h1' });
    const aIsAway = async () => (await fixture.cloud.vm('a'))?.host !== 'h1';
    const bWaits = async () =>
      (await fixture.store.children(msgid)).some(({ base, cursor }) => base.name === 'b' && cursor === 3);
    while (!(await aIsAway()) || !(await bWaits())) await sleep(20);
    await fixture.decisions.cancel(msgid, BY);
    assert.equal((await fixture.rest(msgid)).phase, 'rolled_back');
    assert.deepEqual(await places(fixture), { a: 'h1', b: 'h1' });
    assert.equal(await stateOf(fixture, 'h1'), 'up');
    assert.deepEqual(await usedCpus(fixture), { far: 0, h1: 2, h2: 0 });
    assert.deepEqual(await fixture.cloud.fsck(), []);
  });

  test('a move that fails leaves its VM where it was; the drain goes on and names it', async () => {
    const [first] = simulatedHosts('simulated');
    const host = (name: string, labels = {}) => ({ ...first!, name, labels });
    const hosts = [host('h1', { kind: 'x', other: 'y' }), host('h2', { other: 'y' })];
    await using fixture = await openFixture({ ...options(), simulatedHosts: hosts });
    for (const name of ['a', 'c']) await vmAt(fixture, 'h1', name, { other: 'y' });
    await vmAt(fixture, 'h1', 'b', { kind: 'x' });
    await fixture.store.transact(tx => registerHosts(tx, [host('far', { kind: 'x' })]));
    const msgid = await fixture.submit('drain_host', { host: 'h1' });
    const bWaits = async () =>
      (await fixture.store.children(msgid)).some(({ base, cursor }) => base.name === 'b' && cursor === 3);
    while (!(await bWaits())) await sleep(20);
    // The host that b was to move to is gone for good.
    assert.equal(
      (await fixture.run('lose_host', { host: 'far', reason: 'burnt', fenced: true })).phase,
      'done',
    );
    const drained = await fixture.rest(msgid);
    assert.equal(drained.phase, 'done', JSON.stringify(drained.error));
    assert.deepEqual(partlyOf(drained, 1), { failed: 1, of: 3, tolerated: 3 });
    const left = parametersOf(drained).not_moved as readonly { item: string; code: string; reason: string }[];
    assert.deepEqual(
      left.map(({ item, code }) => [item, code]),
      [['b', 'COAX_HOST_LOST']],
    );
    assert.match(left[0]!.reason, /far/);
    assert.deepEqual(await places(fixture), { a: 'h2', b: 'h1', c: 'h2' });
    assert.equal(await stateOf(fixture, 'h1'), 'draining');
    assert.deepEqual(await usedCpus(fixture), { far: 0, h1: 1, h2: 2 });
    assert.deepEqual((await fsckStore(fixture.store.scan())).faults, []);
    // Walked back, it brings back the two that it moved.
    await fixture.decisions.revert(msgid, BY);
    assert.equal((await fixture.rest(msgid)).phase, 'rolled_back');
    assert.deepEqual(await places(fixture), { a: 'h1', b: 'h1', c: 'h1' });
    assert.equal(await stateOf(fixture, 'h1'), 'up');
  });

  test('a lost host is drained: its VMs are made on others, and what it may still have is owed', async () => {
    await using fixture = await openFixture(options());
    await vmAt(fixture, 'sim-1', 'a');
    const lost = { host: 'sim-1', reason: 'burnt', fenced: true };
    assert.equal((await fixture.run('lose_host', lost)).phase, 'done');
    await fixture.untilServed(addresses => !addresses.includes('compute@sim-1'));
    const drained = await fixture.run('drain_host', { host: 'sim-1' });
    assert.equal(drained.phase, 'done', JSON.stringify(drained.error));
    const vm = (await fixture.cloud.vm('a'))!;
    assert.notEqual(vm.host, 'sim-1');
    assert.equal(vm.state, 'running');
    const owed = await owedTables(fixture.store.reader).selectFrom('owed').selectAll().execute();
    assert.deepEqual(
      owed.map(({ host, uuid }) => [host, uuid]),
      [['sim-1', vm.uuid]],
    );
    const returned = await fixture.run('return_host', { host: 'sim-1' });
    assert.equal(returned.phase, 'done', JSON.stringify(returned.error));
    assert.deepEqual(await places(fixture), { a: vm.host });
    // A person had it drained.
    assert.equal(await stateOf(fixture, 'sim-1'), 'draining');
    assert.deepEqual(await fixture.cloud.fsck(), []);
  });
});
