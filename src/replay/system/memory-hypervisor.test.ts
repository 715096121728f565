import assert from 'node:assert/strict';
import type { GuestSpec } from '../../cloud/compute/hypervisor.ts';
import { hypervisorConformance } from '../../testing/hypervisor-conformance.ts';
import { MemoryHypervisor } from './memory-hypervisor.ts';

function spec(index: number): GuestSpec {
  const digits = index.toString(16).padStart(2, '0');
  return {
    uuid: `0b6f3c3e-58a1-4d0c-9d27-3f1f4a1f2b${digits}`,
    ...{ name: `replay-${index}`, cpu: 1, memMib: 128, msgid: index },
    network: {
      ...{ mode: 'tap', ip: `10.78.0.${10 + index}`, prefix: 24, gateway: '10.78.0.1', httpPort: 80 },
      mac: `52:54:00:00:01:${digits}`,
    },
  };
}

// Its guests end with the process, so every "later server" of the suite is this one.
hypervisorConformance("a replay's hypervisor", async () => {
  const hypervisor = new MemoryHypervisor();
  return {
    open: async () => hypervisor,
    spec,
    async assertClean() {
      assert.deepEqual(await hypervisor.list(), []);
    },
    async close() {},
  };
});
