/**
 * Who serves a host, where processes share the store. Two memories answer (src/store/workers.ts): the living workers, which forget one
 * that ended in order, and the address, which remembers who served it last, however that ended.
 */
import { hostOf } from '../../message/address.ts';
import type { Store } from '../../store/store.ts';
import type { Tx } from '../../store/tx.ts';
import { lastServed, readWorkers } from '../../store/workers.ts';

/** Processes tell of their workers every five seconds: who was not heard of for two times is taken for gone. */
const LIVING_MS = 10_000;

/** So long after a host was served last it counts as silent: four times that nobody told of it. */
const SILENT_MS = 20_000;

/** Hosts that a living worker serves which takes messages. None where no processes share the store: there is only this one. */
export async function hostsServedNow(
  store: Pick<Store, 'capabilities' | 'reader' | 'now'>,
): Promise<ReadonlySet<string>> {
  if (!store.capabilities.shared) return new Set();
  const oldest = store.now() - LIVING_MS;
  const living = (await readWorkers(store.reader)).filter(
    ({ seen, about }) => seen >= oldest && !about.draining,
  );
  return new Set(living.flatMap(({ about }) => about.addresses.flatMap(address => hostOf(address) ?? [])));
}

/** When a process served each of these hosts last (ms since 1970), also one that has ended; who was never served is missing. */
export async function hostsServedLast(
  db: Tx['db'],
  hosts: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const served = await lastServed(
    db,
    hosts.map(host => `compute@${host}`),
  );
  return new Map([...served].map(([address, seen]) => [hostOf(address) ?? address, seen]));
}

/** Until when a host that was served at that moment is not silent. Both in ms since 1970. */
export const heardUntil = (seen: number): number => seen + SILENT_MS;
