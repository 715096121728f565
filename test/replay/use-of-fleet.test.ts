import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Density } from '../../src/replay/density.ts';
import { replay, type Target } from '../../src/replay/replay.ts';
import type { TraceEvent, TraceVm } from '../../src/replay/trace/read-events.ts';
import type { TraceHost } from '../../src/replay/trace/read-hosts.ts';
import { UseOfFleet } from '../../src/replay/use-of-fleet.ts';

const host = (name: string, gpuCount = 0): TraceHost => ({
  ...{ name, cpuMilli: 4000, memMib: 4096, gpuCount, gpuModel: gpuCount > 0 ? 'A' : '' },
});
const vm = (name: string, more: Partial<TraceVm> = {}): TraceVm => ({
  ...{ vm: name, cpuMilli: 1000, memMib: 1024, gpu: 0, gpuMilli: 0, gpuModels: [] },
  ...more,
});
const share = (name: string, milli: number, gpuModels: string[] = []): TraceVm =>
  vm(name, { gpu: 1, gpuMilli: milli, gpuModels });
const gpu = (device: number, milli: number) => ({ device, milli });

const BROKEN: readonly (readonly [
  name: string,
  vm: TraceVm,
  place: { host?: string; gpus?: ReturnType<typeof gpu>[] },
  RegExp,
])[] = [
  ['more CPUs than there are', vm('b', { cpuMilli: 4001 }), {}, /over-committed in CPUs/],
  ['more memory than there is', vm('b', { memMib: 4097 }), {}, /over-committed in memory/],
  ['a GPU beyond the last', share('b', 500), { gpus: [gpu(2, 500)] }, /has no GPU 2/],
  ['a share more than is left', share('b', 600), { gpus: [gpu(0, 600)] }, /given out twice/],
  ['no GPU for one that asks', share('b', 500), {}, /not the GPUs asked for/],
  [
    'the same GPU twice',
    vm('b', { gpu: 2, gpuMilli: 250 }),
    { gpus: [gpu(1, 250), gpu(1, 250)] },
    /not the GPUs/,
  ],
  ['another share', share('b', 500), { gpus: [gpu(1, 400)] }, /another share/],
  ['another model', share('b', 500, ['B']), { gpus: [gpu(1, 500)] }, /wrong model/],
  ['a host that is not there', vm('b'), { host: 'h9' }, /no host h9/],
  ['a VM twice', share('a', 500), { gpus: [gpu(1, 500)] }, /placed twice/],
];

for (const [name, request, { host: on = 'h1', gpus = [] }, reason] of BROKEN) {
  it(`finds a placement that gives ${name}`, () => {
    const fleet = new UseOfFleet([host('h1', 2)]);
    fleet.place(share('a', 500, ['A']), { host: 'h1', gpus: [gpu(0, 500)] });
    assert.throws(() => fleet.place(request, { host: on, gpus }), reason);
  });
}

it('what was removed is free again, and a host counts as used once', () => {
  const fleet = new UseOfFleet([host('h1'), host('h2')]);
  for (let round = 0; round < 3; round += 1) {
    fleet.place(vm('a', { cpuMilli: 4000, memMib: 4096 }), { host: 'h1', gpus: [] });
    assert.equal(fleet.hostsInUse, 1);
    assert.ok(fleet.remove('a') && !fleet.remove('a'));
  }
  assert.deepEqual([fleet.hostsInUse, fleet.hostsUsed, fleet.vms], [0, 1, 0]);
  assert.deepEqual(fleet.inUse, { cpuMilli: 0, memMib: 0, gpuMilli: 0 });
});

it('the mean of hosts in use is weighted by time, however long the trace', () => {
  const fleet = new UseOfFleet([host('h1'), host('h2')]);
  const density = new Density(0);
  density.passTo(100, fleet);
  fleet.place(vm('a'), { host: 'h1', gpus: [] });
  density.passTo(130.5, fleet);
  fleet.place(vm('b', { cpuMilli: 3000 }), { host: 'h2', gpus: [] });
  density.passTo(1_000_100, fleet);
  const expected = (30.5 + 2 * (1_000_000 - 30.5)) / 1_000_000;
  assert.ok(Math.abs(density.mean().hostsInUse - expected) < 1e-3);
  const points = density.points();
  assert.ok(points.length > 30 && points.length <= 128);
  assert.equal(points[0]?.fromS, 100);
  assert.equal(points.at(-1)?.cpu, 0.5);
});

it('a target that over-commits ends the replay', async () => {
  const all: Target = {
    atTime() {},
    create: vms => vms.map(() => ({ host: 'h1', gpus: [] })),
    remove() {},
    check() {},
  };
  async function* five(): AsyncGenerator<TraceEvent> {
    for (let index = 0; index < 5; index += 1) yield { ...vm(`v${index}`), atS: index, op: 'C' };
  }
  await assert.rejects(replay(five(), [host('h1')], all), /over-committed/);
});
