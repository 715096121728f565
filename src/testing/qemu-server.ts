import { leftovers } from '../cloud/compute/qemu/leftovers.ts';
import { openQemu } from '../cloud/compute/qemu/qemu.ts';
import { waitForHttp } from '../cloud/compute/wait-for-http.ts';
import { cacheFolder } from '../cloud/image/cache-folder.ts';
import { openHostNetwork } from '../cloud/network/host-network.ts';
import { specOn } from './qemu-fixture.ts';

/**
 * For tests, in a process of its own: a server that makes guest 1. It then kills itself at once (null), has killed itself
 * so many milliseconds after the create began, or (`never`) visits the guest, destroys it and tells what it saw.
 */
export async function makeServer(options: {
  dataDir: string;
  mode: 'tap' | 'user' | 'detected';
  killAfterMs: number | null | 'never';
}): Promise<void> {
  const { dataDir, mode, killAfterMs } = options;
  const hostNetwork = await openHostNetwork({ dataDir, mode: mode === 'detected' ? undefined : mode });
  const hypervisor = await openQemu({ dataDir, cacheDir: cacheFolder(), hostNetwork });
  await hypervisor.probed;
  const signal = AbortSignal.timeout(60_000);
  const spec = specOn(hostNetwork, 1);
  if (typeof killAfterMs === 'number') setTimeout(() => process.kill(process.pid, 'SIGKILL'), killAfterMs);
  const guest = await hypervisor.create(spec, signal);
  if (killAfterMs === null) process.kill(process.pid, 'SIGKILL');
  if (killAfterMs !== 'never') return;
  const page = await waitForHttp(guest, 60_000, signal);
  await hypervisor.destroy(guest.uuid, signal);
  const left = await leftovers(dataDir);
  console.log(JSON.stringify({ mode: hostNetwork.mode, url: guest.url, page, left }));
}
