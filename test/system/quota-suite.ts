/** Quotas of projects, on whichever store the servers share. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeQuota, type QuotaLimits, quotaOf } from '../../src/cloud/quota/quotas.ts';
import { isCoaxError } from '../../src/errors/coax-error.ts';
import { RETRY_DEFAULT } from '../../src/message/backoff.ts';
import type { Plan } from '../../src/message/message.ts';
import type { CloudFixture } from './cloud-fixture.ts';

const BY = { actor: 'ann', reason: 'test' };
const NONE: QuotaLimits = {
  vms: null,
  cpuMilli: null,
  memMib: null,
  addresses: null,
  messagesPerMinute: null,
  queued: null,
};
const limits = (some: Partial<QuotaLimits>): QuotaLimits => ({ ...NONE, ...some });

/** Claims alone, without guests: what races. */
const CLAIMS: Plan = {
  steps: [
    { module: 'resource', action: 'select_host', timeoutMs: 10_000, retry: RETRY_DEFAULT },
    { module: 'network', action: 'alloc_ip', timeoutMs: 10_000, retry: RETRY_DEFAULT },
  ],
};
const RACERS = 200;

const usedBy = async ({ store }: CloudFixture, project: string) => (await quotaOf(store, project)).used;

/** `withServers` opens so many servers on one store. */
export function quotaSuite(
  servers: number,
  withServers: (many: number, use: (fixtures: readonly CloudFixture[]) => Promise<void>) => Promise<void>,
): void {
  test(`${RACERS} requests that race at the edge of a quota never exceed it`, () =>
    withServers(servers, async fixtures => {
      const [first] = fixtures as [CloudFixture];
      await changeQuota(first.store, 'red', limits({ vms: 50, cpuMilli: 17_000, memMib: 1_000_000 }));
      await changeQuota(first.store, 'green', limits({ addresses: 5 }));
      let most = 0;
      const ends = await Promise.all(
        Array.from({ length: RACERS }, async (_, at) => {
          const fixture = fixtures[at % fixtures.length]!;
          const project = ['red', 'green', 'free', 'red'][at % 4]!;
          const [{ msgid } = { msgid: 0 }] = await fixture.store.submit([
            { flow: 'race', plan: CLAIMS, parameters: { cpu: 1, mem: 64 }, actor: 'test', project },
          ]);
          const message = await fixture.rest(msgid);
          most = Math.max(most, (await usedBy(fixture, 'red')).cpuMilli);
          return { project, message };
        }),
      );
      const doneOf = (project: string) =>
        ends.filter(end => end.project === project && end.message.phase === 'done').length;
      assert.deepEqual([doneOf('red'), doneOf('green'), doneOf('free')], [17, 5, RACERS / 4]);
      assert.ok(most <= 17_000, String(most));
      for (const { message, project } of ends.filter(({ message: { phase } }) => phase !== 'done')) {
        assert.deepEqual([message.phase, message.error?.code], ['rolled_back', 'COAX_QUOTA_EXCEEDED']);
        const told =
          project === 'red' ? /project red may have 17 CPUs; 17 in use, 1 more asked for/ : /5 addresses/;
        assert.match(message.error!.reason, told);
      }
      const red = await first.store.allocations({ kind: 'vm' });
      assert.equal(red.length, 17 + 5 + RACERS / 4);
      assert.deepEqual(await usedBy(first, 'red'), {
        vms: 17,
        cpuMilli: 17_000,
        memMib: 17 * 64,
        addresses: 17,
      });
      assert.deepEqual(await first.cloud.fsck(), []);
    }));

  test('what is used is counted through gangs, reservations, moves and reverts', () =>
    withServers(1, async ([fixture]) => {
      const { store, cloud, decisions } = fixture!;
      const run = (flow: string, parameters: Record<string, unknown>, project = 'red') =>
        fixture!.run(flow, parameters as never, project);
      const used = async () => Object.values(await usedBy(fixture!, 'red'));
      await changeQuota(store, 'red', limits({ vms: 6, cpuMilli: 10_000 }));
      const vm = await run('create_vm', { cpu: 2, mem: 128, name: 'a' });
      assert.equal(vm.phase, 'done', JSON.stringify(vm.error));
      assert.deepEqual(await used(), [1, 2000, 128, 1]);

      const large = await run('create_vms', { names: ['g1', 'g2', 'g3'], cpu: 3, mem: 128 });
      assert.deepEqual([large.phase, large.error?.code], ['rolled_back', 'COAX_QUOTA_EXCEEDED']);
      assert.match(large.error!.reason, /may have 10 CPUs; 2 in use, 9 more asked for/);
      const gang = await run('create_vms', { names: ['g1', 'g2'], cpu: 2, mem: 128 });
      assert.equal(gang.phase, 'done', JSON.stringify(gang.error));
      assert.deepEqual(await used(), [3, 6000, 384, 3]);

      const held = await run('reserve', { name: 'lab', cpu: 1, mem: 128, count: 2 });
      assert.equal(held.phase, 'done', JSON.stringify(held.error));
      assert.deepEqual(await used(), [3, 8000, 640, 3]);
      const other = await run(
        'create_vm_reserved',
        { reservation: 'lab', cpu: 1, mem: 128, name: 'o' },
        'blue',
      );
      assert.equal(other.error?.code, 'COAX_NOT_FOUND', "another project's room is not there");
      const taken = await run('create_vm_reserved', { reservation: 'lab', cpu: 1, mem: 128, name: 'r' });
      assert.equal(taken.phase, 'done', JSON.stringify(taken.error));
      assert.deepEqual(await used(), [4, 8000, 640, 4]);

      // A move needs room twice, and counts once, whatever is left of the quota.
      await changeQuota(store, 'red', limits({ vms: 4, cpuMilli: 8000 }));
      const moved = await run('move_vm', { name: 'a' });
      assert.equal(moved.phase, 'done', JSON.stringify(moved.error));
      assert.deepEqual(await used(), [4, 8000, 640, 4]);
      assert.deepEqual(await cloud.fsck(), []);
      const more = await run('create_vm', { cpu: 1, mem: 128 });
      assert.match(more.error!.reason, /may have 4 VMs; 4 in use/);

      for (const { msgid } of [moved, taken, held, gang, vm]) {
        await decisions.revert(msgid, BY, true);
        assert.equal((await fixture!.rest(msgid)).phase, 'rolled_back');
        assert.deepEqual(await cloud.fsck(), []);
      }
      assert.deepEqual(await used(), [0, 0, 0, 0]);
      assert.deepEqual(await store.allocations(), []);
    }));

  test('a quota that is set late counts what is there, and what is over it stays', () =>
    withServers(1, async ([fixture]) => {
      const { store, cloud } = fixture!;
      for (const name of ['a', 'b', 'c']) await fixture!.run('create_vm', { cpu: 1, mem: 128, name }, 'red');
      await changeQuota(store, 'red', limits({ vms: 2 }));
      assert.equal((await usedBy(fixture!, 'red')).vms, 3);
      const refused = await fixture!.run('create_vm', { cpu: 1, mem: 128 }, 'red');
      assert.equal(refused.error?.code, 'COAX_QUOTA_EXCEEDED');
      assert.equal((await fixture!.run('create_vm', { cpu: 1, mem: 128 }, 'blue')).phase, 'done');
      assert.equal((await cloud.vms()).length, 4);
      await changeQuota(store, 'red', NONE);
      assert.equal((await fixture!.run('create_vm', { cpu: 1, mem: 128 }, 'red')).phase, 'done');
      assert.deepEqual(await cloud.fsck(), []);

      await changeQuota(store, 'red', limits({ vms: 9 }));
      await store.transact(tx => tx.db.updateTable('quotas').set({ vms_used: 7 }).execute());
      const [fault] = await cloud.fsck();
      assert.equal(fault?.kind, 'quota');
      assert.match(fault!.reason, /7 VMs are counted .* hold 4/);
      await changeQuota(store, 'red', limits({ vms: 9 }));
      assert.deepEqual(await cloud.fsck(), []);
    }));

  test('a project has so many messages accepted in a minute, whichever servers are asked', () =>
    withServers(servers, async fixtures => {
      const [first] = fixtures as [CloudFixture];
      const submission = (project: string, idempotencyKey?: string) => ({
        flow: 'none',
        plan: { steps: [] },
        parameters: {},
        actor: 'test',
        project,
        ...(idempotencyKey && { idempotencyKey }),
      });
      const minute = () => Math.floor(first.store.now() / 60_000);
      await changeQuota(first.store, 'red', limits({ messagesPerMinute: 20 }));
      // Once more when the minute of the clock ends meanwhile.
      for (let before = -1; before !== minute(); ) {
        before = minute();
        await changeQuota(first.store, 'red', NONE);
        await changeQuota(first.store, 'red', limits({ messagesPerMinute: 20 }));
        await first.store.submit([submission('red', `once-${before}`)]);
        const ends = await Promise.allSettled(
          Array.from({ length: 100 }, (_, at) =>
            fixtures[at % fixtures.length]!.store.submit([submission(at % 2 === 0 ? 'red' : 'blue')]),
          ),
        );
        const accepted = ends.filter(({ status }) => status === 'fulfilled').length;
        const same = await first.store.submit([submission('red', `once-${before}`)]);
        const many = await first.store.submit([submission('red'), submission('red')]).catch(error => error);
        if (before !== minute()) continue;
        assert.equal(accepted, 19 + 50);
        for (const end of ends)
          if (end.status === 'rejected') {
            assert.ok(isCoaxError(end.reason, 'COAX_QUOTA_EXCEEDED'), String(end.reason));
            assert.ok(end.reason.retryAfterMs! > 0 && end.reason.retryAfterMs! <= 60_000);
          }
        assert.equal(same[0]!.created, false, 'what was accepted before costs nothing');
        assert.ok(isCoaxError(many, 'COAX_QUOTA_EXCEEDED'));
        assert.equal((await quotaOf(first.store, 'red')).messages, 20);
      }
    }));
}
