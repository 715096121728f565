import { tapsOf } from '../../network/host-namespace.ts';
import { namespaceName, type Tap } from '../../network/host-wiring.ts';
import { GuestFolders } from './guest-folder.ts';
import { listGuestProcesses } from './guest-process.ts';

/** What guests of one data directory have on this host, from the host itself. */
export interface Leftovers {
  readonly processes: readonly { readonly uuid: string; readonly pid: number }[];
  readonly taps: readonly Tap[];
  /** uuids that have a folder, whole or half made. */
  readonly folders: readonly string[];
}

/**
 * Everything that guests of a data directory have on this host, for comparison with what should live. Reads only; needs
 * neither QEMU nor a network that is set up.
 */
export async function leftovers(dataDir: string): Promise<Leftovers> {
  const folders = new GuestFolders(dataDir);
  return {
    processes: listGuestProcesses(folders.root).map(({ uuid, pid }) => ({ uuid, pid })),
    taps: await tapsOf(namespaceName(dataDir)),
    folders: folders.list(),
  };
}
