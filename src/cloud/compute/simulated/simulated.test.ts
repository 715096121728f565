import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { hypervisorConformance } from '../../../testing/hypervisor-conformance.ts';
import { paperGuest as spec } from '../../../testing/paper-guest.ts';
import { GuestMap } from './guest-book.ts';
import { openSimulated, SimulatedHypervisor } from './simulated.ts';

hypervisorConformance('the simulated hypervisor', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'coax-sim-'));
  return {
    open: async () => openSimulated({ dataDir }),
    spec,
    async assertClean() {
      if (existsSync(join(dataDir, 'sim'))) assert.deepEqual(readdirSync(join(dataDir, 'sim')), []);
    },
    async close() {
      rmSync(dataDir, { recursive: true });
    },
  };
});

// Its guests end with the process, so every "later server" of the suite is this one.
hypervisorConformance('the simulated hypervisor with its guests in memory', async () => {
  const hypervisor = new SimulatedHypervisor(new GuestMap());
  return {
    open: async () => hypervisor,
    spec,
    async assertClean() {
      assert.deepEqual(await hypervisor.list(), []);
    },
    async close() {},
  };
});

it('a planned failure is the operation’s error, and changes nothing', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'coax-sim-'));
  const signal = AbortSignal.timeout(120_000);
  try {
    const failing = openSimulated({
      dataDir,
      delayMs: 1,
      fail(operation) {
        if (operation === 'create') throw new Error('planned');
      },
    });
    await assert.rejects(failing.create(spec(1), signal), /planned/);
    assert.deepEqual(await failing.list(), []);
    await openSimulated({ dataDir }).create(spec(1), signal);
    assert.match(await failing.consoleTail(spec(1).uuid, 1000), /^simulated guest sim-1 booted\n$/);
    await failing.destroy(spec(1).uuid, signal);
  } finally {
    rmSync(dataDir, { recursive: true });
  }
});

it('a guest that is removed while it is stopped does not come back', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'coax-sim-'));
  const signal = AbortSignal.timeout(120_000);
  try {
    for (const hypervisor of [openSimulated({ dataDir }), new SimulatedHypervisor(new GuestMap())]) {
      await hypervisor.create(spec(1), signal);
      const { uuid } = spec(1);
      await Promise.allSettled([hypervisor.stop(uuid, 0, signal), hypervisor.destroy(uuid, signal)]);
      assert.deepEqual(await hypervisor.list(), []);
    }
  } finally {
    rmSync(dataDir, { recursive: true });
  }
});
