import type { Store } from '../../store/store.ts';
import type { ServedHosts } from '../inventory-views.ts';
import { readBooks } from './books.ts';
import { checkAgents } from './check-agents.ts';
import { checkBooks } from './check-books.ts';
import { checkGuests } from './check-guests.ts';
import type { FsckFault } from './fsck-fault.ts';

export interface CloudReport {
  /** Where the books contradict each other or the guests. None is good. */
  readonly faults: readonly FsckFault[];
  /** VMs that are in another state than is on record, and what could not be compared: one sentence each. No fault. */
  readonly notes: readonly string[];
}

/** The books, the guests that run here, and those that hosts with agents reported. */
export async function fsckCloud(
  store: Store,
  served: ServedHosts,
  installation: string,
): Promise<CloudReport> {
  const books = checkBooks(await store.transact(readBooks));
  const guests = await checkGuests(store, served, installation);
  const { faults, notes } = await checkAgents(store, installation);
  return { faults: [...books, ...guests.faults, ...faults], notes: [...guests.notes, ...notes] };
}
