import type { Store, StoreTx } from '../../store/store.ts';
import type { Guest, Hypervisor } from '../compute/hypervisor.ts';
import { judge } from '../hosts/judge.ts';
import type { ServedHosts } from '../inventory-views.ts';
import { isSettled } from './check-books.ts';
import type { FsckFault } from './fsck-fault.ts';
import { guestLeft, guestMissing } from './guest-faults.ts';

/**
 * Compares the guests that the hypervisors here have with the VMs on record. Guests of messages under way, or parked
 * for a person, are no faults. What looks wrong is looked at once more, since work goes on meanwhile.
 */
export async function checkGuests(
  store: Store,
  served: ServedHosts,
  installation: string,
): Promise<FsckFault[]> {
  const suspects = await compare(store, served, installation);
  if (suspects.length === 0) return [];
  const again = new Set(
    (await compare(store, served, installation)).map(({ kind, where }) => `${kind} ${where}`),
  );
  return suspects.filter(({ kind, where }) => again.has(`${kind} ${where}`));
}

async function compare(store: Store, served: ServedHosts, installation: string): Promise<FsckFault[]> {
  const guests = new Map<string, { readonly guest: Guest; readonly host: string }>();
  const asked = new Set<Hypervisor>();
  for (const [host, hypervisor] of served) {
    if (asked.has(hypervisor)) continue;
    asked.add(hypervisor);
    for (const guest of await hypervisor.list()) guests.set(guest.uuid, { guest, host });
  }
  const records = await store.allocations({ kind: 'vm' });
  const recorded = new Set(records.map(({ detail }) => detail.uuid));
  const left = [...guests.values()].filter(({ guest }) => !recorded.has(guest.uuid));
  const faults = left.length === 0 ? [] : await store.transact(tx => judgeLeft(tx, left, installation));
  for (const record of records) {
    const { host, uuid } = record.detail;
    if (!isSettled(record) || !served.has(String(host)) || guests.has(String(uuid))) continue;
    faults.push(guestMissing(String(host), record.key, String(uuid)));
  }
  return faults;
}

async function judgeLeft(
  tx: StoreTx,
  left: readonly { readonly guest: Guest; readonly host: string }[],
  installation: string,
): Promise<FsckFault[]> {
  const faults: FsckFault[] = [];
  for (const { guest, host } of left) {
    const judgement = await judge(tx, { uuid: guest.uuid, msgid: guest.spec.msgid }, installation);
    if (judgement.kind !== 'under way') faults.push(guestLeft(host, guest, judgement));
  }
  return faults;
}
