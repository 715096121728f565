import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBooks } from '../../src/cloud/fsck/books.ts';
import { checkCapacity } from '../../src/cloud/fsck/check-capacity.ts';
import { claimHosts, type HostClaim, releaseHosts } from '../../src/cloud/resource/claim-hosts.ts';
import { type HostSpec, registerHosts } from '../../src/cloud/resource/register-hosts.ts';
import { cloudTables, type HostRow } from '../../src/cloud/schema.ts';
import type { Parameters } from '../../src/message/message.ts';
import type { Store } from '../../src/store/store.ts';

/** Stores on one database; one only where the engine has one process. */
export type WithStores = (run: (stores: readonly Store[]) => Promise<void>) => Promise<void>;

export const hostSpec = (name: string, more: Partial<HostSpec> = {}): HostSpec => ({
  name,
  cpuTotal: 8,
  cpuOvercommit: 1,
  memTotalMib: 16_384,
  labels: {},
  zone: 'a',
  network: 'none',
  reason: '',
  hypervisor: 'simulated',
  accelerator: 'none',
  simulated: true,
  ...more,
});

export const hostClaim = (msgid: number, host: string, more: Partial<HostClaim> = {}): HostClaim => ({
  id: `${msgid}.0`,
  holder: { msgid, step: 0 },
  host,
  cpuMilli: 1000,
  memMib: 1024,
  diskMib: 0,
  gpu: 0,
  gpuMilli: 0,
  devices: [],
  cell: -1,
  group: '',
  vm: `vm-${msgid}`,
  preemptible: false,
  project: '',
  ...more,
});

const hostRow = async (store: Store, name: string): Promise<HostRow> =>
  await cloudTables(store.reader)
    .selectFrom('hosts')
    .selectAll()
    .where('name', '=', name)
    .executeTakeFirstOrThrow();

/** Every host counts what its claims add up to, and no more than it has. */
export async function assertBooks(store: Store): Promise<void> {
  assert.deepEqual(checkCapacity(await store.transact(readBooks)), []);
}

const claim = (store: Store, claims: readonly HostClaim[]) => store.transact(tx => claimHosts(tx, claims));

/** What claims promise on every engine. */
export function claimsSuite(withStores: WithStores): void {
  test('a batch is claimed host by host; who is lost wrote nothing, and an undo gives all back', () =>
    withStores(async ([store]) => {
      const rich = hostSpec('rich', {
        diskTotalMib: 1000,
        gpuModel: 'T4',
        gpus: [1000, 1000],
        numa: [
          { cpuMilli: 4000, memMib: 8192 },
          { cpuMilli: 4000, memMib: 8192 },
        ],
      });
      await store!.transact(tx => registerHosts(tx, [rich, hostSpec('plain')]));
      const before = await hostRow(store!, 'rich');
      const all = [
        hostClaim(1, 'rich', { cpuMilli: 2500, diskMib: 600, gpu: 1, gpuMilli: 500, devices: [1], cell: 1 }),
        hostClaim(2, 'rich', { gpu: 1, gpuMilli: 500, devices: [1] }),
        hostClaim(3, 'plain', { cpuMilli: 500 }),
      ];
      assert.deepEqual(await claim(store!, all), { lost: new Set(), refused: new Set() });
      const row = await hostRow(store!, 'rich');
      assert.deepEqual(
        [row.cpu_used, row.cpu_used_milli, row.mem_used_mib, row.disk_used_mib, row.vms].map(Number),
        [3, 500, 2048, 600, 2],
      );
      assert.equal(row.gpu_used, '[0,1000]');
      assert.deepEqual(JSON.parse(row.numa_used)[1], { cpuMilli: 2500, memMib: 1024 });
      await assertBooks(store!);
      // Each of these asks for more of one thing than there is left.
      for (const more of [
        { cpuMilli: 4501 },
        { memMib: 16_384 },
        { diskMib: 401 },
        { gpu: 1, gpuMilli: 1, devices: [1] },
        { cell: 1, cpuMilli: 1501 },
      ]) {
        const { lost } = await claim(store!, [
          hostClaim(9, 'rich', more),
          hostClaim(8, 'plain', { memMib: 1 }),
        ]);
        assert.deepEqual(lost, new Set(['9.0']), JSON.stringify(more));
        await store!.transact(tx => releaseHosts(tx, { msgid: 8, step: 0 }));
      }
      for (const msgid of [1, 2, 3, 3]) await store!.transact(tx => releaseHosts(tx, { msgid, step: 0 }));
      await assertBooks(store!);
      const after = await hostRow(store!, 'rich');
      assert.deepEqual(
        [after.cpu_used, after.cpu_used_milli, after.mem_used_mib, after.disk_used_mib, after.vms].map(
          Number,
        ),
        [before.cpu_used, before.cpu_used_milli, before.mem_used_mib, before.disk_used_mib, before.vms].map(
          Number,
        ),
      );
      assert.deepEqual(JSON.parse(after.gpu_used), [0, 0]);
    }));

  test('limits count what is reserved, overcommit, how many VMs there may be, and the state', () =>
    withStores(async ([store]) => {
      await store!.transact(tx =>
        registerHosts(tx, [
          hostSpec('tight', { cpuTotal: 2, cpuReservedMilli: 500, cpuOvercommit: 2, memReservedMib: 16_000 }),
          hostSpec('few', { vmsMax: 2 }),
          hostSpec('away', { reason: 'no power' }),
        ]),
      );
      const small = { memMib: 1 };
      // (2 - 0.5) * 2 = 3 CPUs; 384 MiB are not reserved.
      assert.equal((await claim(store!, [hostClaim(1, 'tight', { cpuMilli: 3001, ...small })])).lost.size, 1);
      assert.equal((await claim(store!, [hostClaim(1, 'tight', { memMib: 385 })])).lost.size, 1);
      assert.equal(
        (await claim(store!, [hostClaim(1, 'tight', { cpuMilli: 3000, memMib: 384 })])).lost.size,
        0,
      );
      // Of three that come together two have room.
      const three = [2, 3, 4].map(msgid => hostClaim(msgid, 'few', small));
      assert.deepEqual((await claim(store!, three)).lost, new Set(['4.0']));
      assert.equal((await claim(store!, [hostClaim(5, 'away', small)])).lost.size, 1);
      assert.equal((await claim(store!, [hostClaim(6, 'nowhere', small)])).lost.size, 1);
      await assertBooks(store!);
    }));

  test('a claim of a step that is made once more takes the place of the old one; a taken name is told', () =>
    withStores(async ([store]) => {
      await store!.transact(tx => registerHosts(tx, [hostSpec('a'), hostSpec('b')]));
      await claim(store!, [hostClaim(1, 'a')]);
      await claim(store!, [hostClaim(1, 'b', { cpuMilli: 2000 })]);
      assert.equal(Number((await hostRow(store!, 'a')).cpu_used), 0);
      assert.equal(Number((await hostRow(store!, 'b')).cpu_used), 2);
      await assertBooks(store!);
      const named = (msgid: number) =>
        hostClaim(msgid, 'a', { beside: { kind: 'vm', key: 'web', detail: { host: 'a' } as Parameters } });
      assert.equal((await claim(store!, [named(2)])).refused.size, 0);
      assert.deepEqual((await claim(store!, [named(3)])).refused, new Set(['3.0']));
    }));

  test('schedulers that race for a few hosts never give out more than there is', () =>
    withStores(async stores => {
      const hosts = ['a', 'b', 'c'];
      await stores[0]!.transact(tx =>
        registerHosts(
          tx,
          hosts.map(name => hostSpec(name, { gpuModel: 'T4', gpus: [1000] })),
        ),
      );
      const wants = Array.from({ length: 90 }, (_, at) =>
        hostClaim(at + 1, hosts[at % 3]!, at % 9 < 3 ? { gpu: 1, gpuMilli: 400, devices: [0] } : {}),
      );
      const results = await Promise.all(wants.map((one, at) => claim(stores[at % stores.length]!, [one])));
      const won = wants.filter((_, at) => results[at]!.lost.size === 0);
      // 8 CPUs each; all is given out, since the small ones fit wherever the GPU is not asked for.
      assert.equal(won.length, 24);
      await assertBooks(stores[0]!);
      await Promise.all(
        won.map((one, at) => stores[at % stores.length]!.transact(tx => releaseHosts(tx, one.holder))),
      );
      for (const name of hosts) assert.equal(Number((await hostRow(stores[0]!, name)).cpu_used), 0);
      await assertBooks(stores[0]!);
    }));

  test('fsck names a host that counts something else than its claims, and one with more claims than room', () =>
    withStores(async ([store]) => {
      await store!.transact(tx => registerHosts(tx, [hostSpec('a', { gpuModel: 'T4', gpus: [1000] })]));
      await claim(store!, [hostClaim(1, 'a', { gpu: 1, gpuMilli: 300, devices: [0] })]);
      const change = (facts: Partial<HostRow>) =>
        store!.transact(async tx => {
          await cloudTables(tx.db).updateTable('hosts').set(facts).where('name', '=', 'a').execute();
        });
      const reason = async () => checkCapacity(await store!.transact(readBooks)).map(fault => fault.reason);
      await change({ gpu_used: '[200]' });
      assert.deepEqual(await reason(), [
        'it counts 1 CPUs, 1024 MiB, GPUs [200] as used; its claims add up to 1 CPUs, 1024 MiB, GPUs [300]',
      ]);
      await change({ gpu_used: '[300]', vms: 7 });
      assert.match((await reason())[0]!, /7 VMs as used; .* 1 VMs$/);
      await change({ vms: 1, mem_total_mib: 1000 });
      assert.deepEqual(await reason(), ['1024 MiB are claimed of at most 1000']);
    }));
}
