import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noteClaims, releaseHosts } from '../../src/cloud/resource/claim-hosts.ts';
import { FleetFeed } from '../../src/cloud/resource/feed/fleet-feed.ts';
import { registerHosts, retireHosts } from '../../src/cloud/resource/register-hosts.ts';
import { type PlacementWish, Scheduler } from '../../src/cloud/resource/scheduler.ts';
import { cloudTables } from '../../src/cloud/schema.ts';
import type { Fleet } from '../../src/placement/fleet.ts';
import type { PlacementRequest } from '../../src/placement/request.ts';
import { placementRequest } from '../../src/placement/request.ts';
import type { Store } from '../../src/store/store.ts';
import { assertBooks, hostSpec, type WithStores } from './claims-suite.ts';

const wish = (msgid: number, more: Partial<PlacementRequest> = {}): PlacementWish => ({
  holder: { msgid, step: 0 },
  request: placementRequest({ cpuMilli: 1000, memMib: 512, ...more }),
  vm: `vm-${msgid}`,
});

const place = async (scheduler: Scheduler, store: Store, ...wishes: PlacementWish[]) =>
  (await store.transact(tx => scheduler.place(tx, wishes))).map(placement =>
    placement.kind === 'placed' ? placement.choice.host : placement.kind,
  );

/** What the fleet in memory says is held on each host, and what the store says. */
async function assertSame(fleet: Fleet, store: Store): Promise<void> {
  const held = [...fleet.claims()].map(({ id, host, cpuMilli }) => `${id} ${host} ${cpuMilli}`).sort();
  const rows = await store.allocations({ kind: 'claim' });
  const kept = rows.map(({ key, detail }) => `${key} ${detail.host} ${Number(detail.cpu) * 1000}`).sort();
  assert.deepEqual(held, kept);
}

/** What the fleet in memory promises on every engine. `stores`: of several servers, or one for all. */
export function feedSuite(withStores: WithStores): void {
  const withSchedulers = (
    run: (schedulers: Scheduler[], stores: readonly Store[]) => Promise<void>,
  ): Promise<void> =>
    withStores(async stores => {
      const all = [0, 1].map(at => new Scheduler(new FleetFeed(stores[at % stores.length]!)));
      await run(
        all,
        [0, 1].map(at => stores[at % stores.length]!),
      );
    });

  test('what one scheduler claims and gives back the other sees, and hosts that come, change and go', () =>
    withSchedulers(async ([a, b], [one, two]) => {
      await one!.transact(tx => registerHosts(tx, [hostSpec('h1', { cpuTotal: 2 })]));
      assert.deepEqual(await place(a!, one!, wish(1)), ['h1']);
      assert.deepEqual(await place(b!, two!, wish(2)), ['h1']);
      assert.deepEqual(await place(a!, one!, wish(3)), ['none']);
      await two!.transact(tx => b!.release(tx, { msgid: 2, step: 0 }));
      assert.deepEqual(await place(a!, one!, wish(3)), ['h1']);
      // A host that is new, then one that is down.
      await two!.transact(tx => registerHosts(tx, [hostSpec('h2')]));
      assert.deepEqual(await place(a!, one!, wish(4)), ['h2']);
      await two!.transact(tx => retireHosts(tx, ['h2'], 'no power'));
      assert.deepEqual(await place(a!, one!, wish(5)), ['none']);
      // Somebody takes a row out without a word.
      await two!.transact(async tx => {
        await cloudTables(tx.db).deleteFrom('hosts').where('name', '=', 'h2').execute();
      });
      const fleet = await one!.transact(tx => a!.feed.exactly(tx));
      assert.equal(fleet.size, 1);
    }));

  test('what was claimed in a transaction that was undone is not there any more', () =>
    withSchedulers(async ([a, b], [one, two]) => {
      await one!.transact(tx => registerHosts(tx, [hostSpec('h1', { cpuTotal: 1 })]));
      const gone = one!.transact(async tx => {
        assert.equal((await a!.place(tx, [wish(1)]))[0]!.kind, 'placed');
        throw new Error('undone');
      });
      await assert.rejects(gone, /undone/);
      assert.deepEqual(await place(a!, one!, wish(2)), ['h1']);
      const left = one!.transact(async tx => {
        await a!.release(tx, { msgid: 2, step: 0 });
        throw new Error('undone');
      });
      await assert.rejects(left, /undone/);
      assert.deepEqual(await place(a!, one!, wish(3)), ['none']);
      assert.deepEqual(await place(b!, two!, wish(3)), ['none']);
      await assertSame(await one!.transact(tx => a!.feed.exactly(tx)), one!);
      await assertBooks(one!);
    }));

  test('a hard group is kept apart whoever places its members, and a batch sees itself', () =>
    withSchedulers(async ([a, b], [one, two]) => {
      await one!.transact(tx =>
        registerHosts(
          tx,
          ['h1', 'h2', 'h3'].map(name => hostSpec(name)),
        ),
      );
      const group = { name: 'db', rule: 'anti-affinity', hard: true, scope: 'host' } as const;
      const first = await place(a!, one!, wish(1, { group }));
      const rest = await place(b!, two!, wish(2, { group }), wish(3, { group }), wish(4, { group }));
      assert.deepEqual([...first, ...rest.slice(0, 2)].sort(), ['h1', 'h2', 'h3']);
      assert.equal(rest[2], 'none');
      assert.deepEqual(await place(a!, one!, wish(5, { sameHostAs: ['vm-2'] })), [rest[0]]);
    }));

  test('schedulers that race with claims and removals end with what the store has', () =>
    withSchedulers(async (schedulers, stores) => {
      const hosts = Array.from({ length: 6 }, (_, at) =>
        hostSpec(`h${at}`, { cpuTotal: 4, gpuModel: 'T4', gpus: [1000, 1000] }),
      );
      await stores[0]!.transact(tx => registerHosts(tx, hosts));
      await Promise.all(
        schedulers.map(async (scheduler, at) => {
          const store = stores[at]!;
          for (let round = 0; round < 12; round++) {
            const base = 1000 * (at + 1) + 10 * round;
            const gpu = round % 3 === 0 ? { gpu: 1, gpuMilli: 300 } : {};
            await place(scheduler, store, wish(base, gpu), wish(base + 1), wish(base + 2));
            if (round % 2 === 1)
              await store.transact(tx => scheduler.release(tx, { msgid: base + 1, step: 0 }));
          }
        }),
      );
      await assertBooks(stores[0]!);
      for (const [at, scheduler] of schedulers.entries())
        await assertSame(await stores[at]!.transact(tx => scheduler.feed.exactly(tx)), stores[0]!);
    }));

  test('a claim that another step moves or drops by itself is told by noteClaims', () =>
    withSchedulers(async ([a, b], [one, two]) => {
      await one!.transact(tx => registerHosts(tx, [hostSpec('h1', { cpuTotal: 1 })]));
      assert.deepEqual(await place(a!, one!, wish(1)), ['h1']);
      assert.deepEqual(await place(b!, two!, wish(2)), ['none']);
      await one!.transact(async tx => {
        await releaseHosts(tx, { msgid: 1, step: 0 });
        await noteClaims(tx, ['1.0']);
      });
      assert.deepEqual(await place(b!, two!, wish(2)), ['h1']);
      await assertSame(await one!.transact(tx => a!.feed.exactly(tx)), one!);
    }));
}
