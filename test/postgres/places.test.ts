/** Gangs and reservations on PostgreSQL, whose claims are written by other statements than SQLite's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installationSchema as schema } from '../../src/cli/installation-schema.ts';
import { FleetFeed } from '../../src/cloud/resource/feed/fleet-feed.ts';
import { openFixture } from '../system/cloud-fixture.ts';
import { postgresTests } from './fixture.ts';

const BY = { actor: 'ann', reason: 'test' };
const { withDatabase } = postgresTests();

test('on PostgreSQL a gang is all or none, and a reservation is taken and given back', () =>
  withDatabase(async ({ open }) => {
    await using fixture = await openFixture({ openStore: () => open({ schema }) });
    const elsewhere = await open({ schema });
    const feed = new FleetFeed(elsewhere);
    const vmsElsewhere = async () => {
      const fleet = await elsewhere.transact(tx => feed.exactly(tx));
      return [...fleet.claims()].map(({ vm }) => vm).filter(vm => vm !== '');
    };
    const { cloud, decisions, store } = fixture;
    const names = Array.from({ length: 12 }, (_, at) => `g-${at}`);
    const gang = await fixture.run('create_vms', { names, cpu: 16, mem: 256 });
    assert.equal(gang.phase, 'done', JSON.stringify(gang.error));
    const claims = await store.allocations({ kind: 'claim' });
    assert.ok(claims.every(({ msgid }) => msgid !== gang.msgid));
    assert.deepEqual(await cloud.fsck(), []);
    const large = await fixture.run('create_vms', { names: ['a', 'b'], cpu: 40, mem: 256 });
    assert.match(large.error!.reason, /^number 2 of 2 \(b\) has no host, so none is placed/);
    assert.equal((await store.allocations({ kind: 'claim' })).length, 12);

    const held = await fixture.run('reserve', { name: 'lab', cpu: 16, mem: 512, count: 4 });
    assert.equal(held.phase, 'done', JSON.stringify(held.error));
    assert.equal((await vmsElsewhere()).includes('r'), false);
    const vm = await fixture.run('create_vm_reserved', { reservation: 'lab', cpu: 1, mem: 128, name: 'r' });
    assert.equal(vm.phase, 'done', JSON.stringify(vm.error));
    assert.equal((await cloud.placement.reservations())[0]?.free, 3);
    assert.equal((await vmsElsewhere()).includes('r'), true, 'another server knows whose place it is now');
    assert.deepEqual(await cloud.fsck(), []);
    for (const { msgid } of [gang, held, vm]) {
      await decisions.revert(msgid, BY, true);
      assert.equal((await fixture.rest(msgid)).phase, 'rolled_back');
    }
    assert.deepEqual(await store.allocations(), []);
    assert.deepEqual(await cloud.fsck(), []);
  }));
