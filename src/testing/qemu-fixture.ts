import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GuestSpec } from '../cloud/compute/hypervisor.ts';
import { leftovers } from '../cloud/compute/qemu/leftovers.ts';
import { openQemu, type QemuHypervisor } from '../cloud/compute/qemu/qemu.ts';
import { cacheFolder } from '../cloud/image/cache-folder.ts';
import { type HostNetwork, openHostNetwork } from '../cloud/network/host-network.ts';
import type { HypervisorFixture } from './hypervisor-conformance.ts';

/** For tests: QEMU on a data directory of its own, which `close` ends with all that is in it. */
export interface QemuFixture extends HypervisorFixture {
  readonly dataDir: string;
  readonly network: HostNetwork;
  open(): Promise<QemuHypervisor>;
}

export async function makeQemuFixture(mode: 'tap' | 'user', below = ''): Promise<QemuFixture> {
  const temporary = mkdtempSync(join(tmpdir(), 'coax-qemu-'));
  const dataDir = join(temporary, below);
  const network = await openHostNetwork({ dataDir, mode });
  const open = async () =>
    openQemu({ dataDir, cacheDir: cacheFolder(), hostNetwork: await openHostNetwork({ dataDir, mode }) });
  return {
    dataDir,
    network,
    open,
    spec: index => specOn(network, index),
    async assertClean() {
      assert.deepEqual(await leftovers(dataDir), { processes: [], taps: [], folders: [] });
    },
    async close() {
      const hypervisor = await open();
      const { processes, folders } = await leftovers(dataDir);
      for (const uuid of new Set([...processes.map(found => found.uuid), ...folders])) {
        await hypervisor.destroy(uuid, AbortSignal.timeout(120_000));
      }
      await network.remove();
      rmSync(temporary, { recursive: true });
    },
  };
}

export function specOn(network: HostNetwork, index: number): GuestSpec {
  const digits = index.toString(16).padStart(2, '0');
  return {
    uuid: `0b6f3c3e-58a1-4d0c-9d27-3f1f4a1f2a${digits}`,
    name: `vm-${index}`,
    cpu: 1,
    memMib: 128,
    msgid: 141_592 + index,
    network: {
      mode: network.mode,
      ip: network.gateway.replace(/\.1$/, `.${10 + index}`),
      prefix: network.prefix,
      gateway: network.gateway,
      mac: `52:54:00:00:00:${digits}`,
      httpPort: network.httpPort,
    },
  };
}
