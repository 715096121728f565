import { hostOf } from '../../message/address.ts';
import type { Store } from '../../store/store.ts';
import { readWorkers } from '../../store/workers.ts';

/** Processes tell of their workers every five seconds. */
const HEARD_MS = 10_000;

/** Hosts whose steps another process does, which was heard of just now, on a store that processes share. */
export async function servedElsewhere(
  store: Pick<Store, 'capabilities' | 'reader' | 'now'>,
): Promise<ReadonlySet<string>> {
  if (!store.capabilities.shared) return new Set();
  const oldest = store.now() - HEARD_MS;
  const living = (await readWorkers(store.reader)).filter(
    ({ seen, about }) => seen >= oldest && !about.draining,
  );
  return new Set(living.flatMap(({ about }) => about.addresses.flatMap(address => hostOf(address) ?? [])));
}
