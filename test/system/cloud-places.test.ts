/** Gangs and reservations: all or none, taken over and handed back, on simulated hosts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { allocationAt, changeDetail } from '../../src/cloud/allocations.ts';
import { ReservationWatch } from '../../src/cloud/places/reservation-watch.ts';
import { parametersOf } from '../../src/message/parameters.ts';
import { type CloudFixture, openFixture } from './cloud-fixture.ts';

const BY = { actor: 'ann', reason: 'test' };

const usedOf = async ({ cloud }: CloudFixture): Promise<number> =>
  (await cloud.hosts()).reduce((sum, host) => sum + host.cpu.used, 0);

async function isEmpty(fixture: CloudFixture): Promise<void> {
  assert.deepEqual(await fixture.store.allocations(), []);
  assert.equal(await usedOf(fixture), 0);
  assert.deepEqual(await fixture.cloud.fsck(), []);
}

test('a gang is placed as a whole: each branch has its own claim and name, and gives both back', async () => {
  await using fixture = await openFixture();
  const names = Array.from({ length: 12 }, (_, at) => `g-${at}`);
  const made = await fixture.run('create_vms', { names, cpu: 16, mem: 256 });
  assert.equal(made.phase, 'done', JSON.stringify(made.error));
  const vms = await fixture.cloud.vms();
  assert.deepEqual(vms.map(({ name }) => name).sort(), [...names].sort());
  const children = new Set((await fixture.store.children(made.msgid)).map(({ msgid }) => msgid));
  for (const vm of vms) assert.ok(children.has(vm.msgid), vm.name);
  const claims = await fixture.store.allocations({ kind: 'claim' });
  assert.deepEqual(claims.map(({ detail }) => detail.vm).sort(), [...names].sort());
  assert.ok(claims.every(({ msgid }) => children.has(msgid)));
  assert.equal(await usedOf(fixture), 192);
  assert.deepEqual(await fixture.cloud.fsck(), []);
  const places = parametersOf(made).places as { vm: string; host: string }[];
  assert.deepEqual(
    places.map(({ vm, host }) => `${vm} ${host}`).sort(),
    vms.map(({ name, host }) => `${name} ${host}`).sort(),
  );

  await fixture.decisions.revert(made.msgid, BY, true);
  assert.equal((await fixture.rest(made.msgid)).phase, 'rolled_back');
  await isEmpty(fixture);
});

test('a gang of which one does not fit places none, and names the one', async () => {
  await using fixture = await openFixture();
  const names = Array.from({ length: 9 }, (_, at) => `g-${at}`);
  const back = await fixture.run('create_vms', { names, cpu: 32, mem: 256 });
  assert.equal(back.phase, 'rolled_back');
  assert.equal(back.error?.code, 'COAX_NO_VALID_HOST');
  assert.match(
    back.error!.reason,
    /^number 9 of 9 \(g-8\) has no host, so none is placed: no host fits cpu=32/,
  );
  assert.deepEqual(await fixture.store.children(back.msgid), []);
  await isEmpty(fixture);
});

test('a gang with a name that is taken, or twice the same, places none', async () => {
  await using fixture = await openFixture();
  assert.equal((await fixture.run('create_vm', { cpu: 1, mem: 128, name: 'b' })).phase, 'done');
  const clash = await fixture.run('create_vms', { names: ['a', 'b', 'c'], cpu: 1, mem: 128 });
  assert.equal(clash.error?.code, 'COAX_VM_EXISTS');
  assert.match(clash.error!.reason, /a vm named b exists; message 1 made it/);
  const twice = await fixture.run('create_vms', { names: ['a', 'c', 'a'], cpu: 1, mem: 128 });
  assert.match(twice.error!.reason, /two vms are to be named a/);
  assert.equal(await usedOf(fixture), 1);
  assert.deepEqual(await fixture.cloud.fsck(), []);
});

test('a reservation holds room that others do not get; a VM takes a place and gives it back', async () => {
  await using fixture = await openFixture();
  const held = await fixture.run('reserve', { name: 'lab', cpu: 32, mem: 1024, count: 8 });
  assert.equal(held.phase, 'done', JSON.stringify(held.error));
  assert.equal(await usedOf(fixture), 256);
  assert.equal((await fixture.run('create_vm', { cpu: 1, mem: 128 })).error?.code, 'COAX_NO_VALID_HOST');
  const vm = await fixture.run('create_vm_reserved', { reservation: 'lab', cpu: 2, mem: 512, name: 'r-1' });
  assert.equal(vm.phase, 'done', JSON.stringify(vm.error));
  assert.equal(await usedOf(fixture), 256);
  assert.deepEqual(await fixture.cloud.fsck(), []);
  const [lab] = await fixture.cloud.placement.reservations();
  assert.deepEqual([lab?.places, lab?.free, lab?.cpu, lab?.memMib, lab?.msgid], [8, 7, 32, 1024, held.msgid]);
  assert.deepEqual(lab!.vms, [{ name: 'r-1', host: parametersOf(vm).host, msgid: vm.msgid }]);
  assert.equal(
    lab!.hosts.reduce((sum, { free }) => sum + free, 0),
    7,
  );
  const large = await fixture.run('create_vm_reserved', { reservation: 'lab', cpu: 33, mem: 512 });
  assert.match(large.error!.reason, /reservation lab has no free place for cpu=33 mem=512/);
  const none = await fixture.run('create_vm_reserved', { reservation: 'nope', cpu: 1, mem: 512 });
  assert.equal(none.error?.code, 'COAX_NOT_FOUND');

  await fixture.decisions.revert(vm.msgid, BY, true);
  await fixture.rest(vm.msgid);
  assert.equal((await fixture.cloud.placement.reservations())[0]?.free, 8);
  await fixture.decisions.revert(held.msgid, BY, true);
  assert.equal((await fixture.rest(held.msgid)).phase, 'rolled_back');
  await isEmpty(fixture);
});

test('a VM keeps its place when the reservation is given up, and gives the room back itself', async () => {
  await using fixture = await openFixture();
  const held = await fixture.run('reserve', { name: 'lab', cpu: 4, mem: 1024, count: 2 });
  const vm = await fixture.run('create_vm_reserved', { reservation: 'lab', cpu: 2, mem: 512, name: 'r-1' });
  await fixture.decisions.revert(held.msgid, BY, true);
  assert.equal((await fixture.rest(held.msgid)).phase, 'rolled_back');
  assert.equal(await usedOf(fixture), 4);
  assert.deepEqual(await fixture.cloud.placement.reservations(), []);
  assert.deepEqual(await fixture.cloud.fsck(), []);
  await fixture.decisions.revert(vm.msgid, BY, true);
  await fixture.rest(vm.msgid);
  await isEmpty(fixture);
});

test('a reservation whose time is over gives nothing any more, and goes by itself; a VM keeps its place', async () => {
  await using fixture = await openFixture();
  for (const until of ['tomorrow', '2020-01-01T00:00:00Z']) {
    const refused = await fixture.run('reserve', { name: 'lab', cpu: 4, mem: 1024, count: 2, until });
    assert.match(refused.error!.reason, /is no time: write 2026-|is over already: it is 20/);
  }
  const forever = await fixture.run('reserve', { name: 'stays', cpu: 1, mem: 128 });
  const held = await fixture.run('reserve', { name: 'lab', cpu: 4, mem: 1024, count: 3, until: '30d' });
  const vm = await fixture.run('create_vm_reserved', { reservation: 'lab', cpu: 2, mem: 512, name: 'r-1' });
  assert.equal(vm.phase, 'done', JSON.stringify(vm.error));
  const [lab] = await fixture.cloud.placement.reservations();
  assert.deepEqual([lab?.state, lab?.until], ['held', parametersOf(held).ends]);
  const early = await fixture.run('end_reservation', { reservation: 'lab', message: held.msgid });
  assert.equal(parametersOf(early).places, 0, 'its time is not over');
  await letPass(fixture, 'lab');

  const [over] = await fixture.cloud.placement.reservations();
  assert.deepEqual([over?.name, over?.state], ['lab', 'over']);
  const late = await fixture.run('create_vm_reserved', { reservation: 'lab', cpu: 2, mem: 512 });
  assert.match(late.error!.reason, /the time of reservation lab was over at 1970-01-01/);
  const keys = new Set<string>();
  const watch = new ReservationWatch({
    store: fixture.store,
    async submit(flow, parameters, key) {
      if (!keys.has(key)) await fixture.submit(flow, parameters);
      keys.add(key);
    },
    onFault: error => assert.fail(String(error)),
  });
  try {
    while ((await fixture.cloud.placement.reservations()).length > 1) await setTimeout(20);
  } finally {
    await watch.close();
  }
  assert.deepEqual([...keys].length, 1, 'the one that has no end is left alone');
  assert.equal(await usedOf(fixture), 5);
  assert.deepEqual(await fixture.cloud.fsck(), []);
  const again = await fixture.run('reserve', { name: 'lab', cpu: 1, mem: 128, until: '1h' });
  assert.equal(again.phase, 'done', 'its name is free again');
  for (const { msgid } of [vm, held, forever, again]) {
    await fixture.decisions.revert(msgid, BY, true);
    assert.equal((await fixture.rest(msgid)).phase, 'rolled_back');
  }
  await isEmpty(fixture);
});

/** As if the time of the reservation were over. */
async function letPass({ store }: CloudFixture, name: string): Promise<void> {
  await store.transact(async tx => {
    const { detail } = (await allocationAt(tx, 'reservation', name))!;
    await changeDetail(tx, 'reservation', name, { ...detail, until: 1 });
  });
}

test('as many VMs as places get one each when they all come at once', async () => {
  await using fixture = await openFixture();
  await fixture.run('reserve', { name: 'lab', cpu: 2, mem: 256, count: 5 });
  const wishes = Array.from({ length: 7 }, () =>
    fixture.run('create_vm_reserved', { reservation: 'lab', cpu: 1, mem: 128 }),
  );
  const phases = (await Promise.all(wishes)).map(({ phase }) => phase);
  assert.equal(phases.filter(phase => phase === 'done').length, 5);
  const claims = await fixture.store.allocations({ kind: 'claim' });
  assert.equal(new Set(claims.map(({ msgid }) => msgid)).size, 5);
  assert.deepEqual(await fixture.cloud.fsck(), []);
});
