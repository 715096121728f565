import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { type PackHost, packCost, packDevices } from './pack-cost.ts';

const host = (more: Partial<PackHost> = {}): PackHost => ({
  ...{ cpuMilliFree: 64_000, memMibFree: 262_144, vms: 0, gpuMilliFree: [], modelShare: 0 },
  ...more,
});
const NONE = { cpuMilli: 2000, memMib: 4096, gpu: 0, gpuMilli: 0 };
const WHOLE = { cpuMilli: 8000, memMib: 16_384, gpu: 1, gpuMilli: 1000 };

/** What it costs with the devices that packing takes there. */
const cost = (on: PackHost, request: typeof NONE): number =>
  packCost(on, request, packDevices(on.gpuMilliFree, request) ?? assert.fail('it does not fit'));

it('without GPUs, the host with the most VMs wins, and a GPU host is the last resort', () => {
  assert.ok(cost(host({ vms: 3 }), NONE) < cost(host({ vms: 2, cpuMilliFree: 2000 }), NONE));
  assert.ok(cost(host(), NONE) < cost(host({ vms: 50, gpuMilliFree: [1000], modelShare: 1 }), NONE));
});

it('a common model goes before a scarce one', () => {
  const common = host({ gpuMilliFree: [1000, 1000], modelShare: 0.8 });
  const scarce = host({ gpuMilliFree: [1000, 1000], modelShare: 0.1 });
  assert.ok(cost(common, WHOLE) < cost(scarce, WHOLE));
});

it('goes where it strands no GPU, or takes one that is stranded already', () => {
  const gpuMilliFree = [1000, 1000, 1000];
  const hungry = { ...WHOLE, cpuMilli: 16_000 };
  const roomy = host({ gpuMilliFree, cpuMilliFree: 48_000 });
  assert.ok(cost(roomy, hungry) < cost(host({ gpuMilliFree, cpuMilliFree: 30_000 }), hungry));
  assert.ok(cost(host({ gpuMilliFree, cpuMilliFree: 24_000 }), WHOLE) < cost(roomy, WHOLE));
});

it('a share goes to a GPU that is in parts already', () => {
  const share = { cpuMilli: 1000, memMib: 1024, gpu: 1, gpuMilli: 300 };
  assert.ok(
    cost(host({ gpuMilliFree: [400, 1000] }), share) < cost(host({ gpuMilliFree: [1000, 1000] }), share),
  );
  assert.deepEqual(packDevices([1000, 400, 350, 200], share), [2]);
});

it('takes GPUs exactly when there are enough, each once, with room in each', () => {
  const frees = fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 8 });
  const wish = fc.oneof(
    fc.record({ gpu: fc.integer({ min: 1, max: 8 }), gpuMilli: fc.constant(1000) }),
    fc.record({ gpu: fc.constant(1), gpuMilli: fc.integer({ min: 1, max: 999 }) }),
  );
  const property = fc.property(frees, wish, (gpuMilliFree, { gpu, gpuMilli }) => {
    const taken = packDevices(gpuMilliFree, { ...NONE, gpu, gpuMilli });
    const fitting = gpuMilliFree.filter(free => free >= gpuMilli).length;
    assert.equal(taken !== null, fitting >= gpu);
    if (taken === null) return;
    assert.equal(new Set(taken).size, gpu);
    assert.ok(taken.every(device => gpuMilliFree[device]! >= gpuMilli));
  });
  fc.assert(property);
});
