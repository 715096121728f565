import type { Store, StoreTx } from '../../store/store.ts';
import type { Guest, Hypervisor } from '../compute/hypervisor.ts';
import { busyVms, judge } from '../hosts/judge.ts';
import type { ServedHosts } from '../inventory-views.ts';
import { isSettled } from './check-books.ts';
import type { FsckFault } from './fsck-fault.ts';
import { guestLeft, guestMissing } from './guest-faults.ts';
import { type StateDifference, stateNotes } from './state-differences.ts';

export interface GuestsChecked {
  readonly faults: readonly FsckFault[];
  /** VMs in another state than is on record: one sentence each. */
  readonly notes: readonly string[];
}

/**
 * Compares the guests that the hypervisors here have with the VMs on record. Guests of messages under way, or parked
 * for a person, are no faults. What looks wrong is looked at once more, since work goes on meanwhile.
 */
export async function checkGuests(
  store: Store,
  served: ServedHosts,
  installation: string,
): Promise<GuestsChecked> {
  const first = await compare(store, served, installation);
  if (first.faults.length + first.differences.length === 0) return { faults: [], notes: [] };
  const again = await compare(store, served, installation);
  const faults = new Set(again.faults.map(({ kind, where }) => `${kind} ${where}`));
  const states = new Set(again.differences.map(({ vm, found }) => `${found} ${vm}`));
  const differences = first.differences.filter(({ vm, found }) => states.has(`${found} ${vm}`));
  return {
    faults: first.faults.filter(({ kind, where }) => faults.has(`${kind} ${where}`)),
    notes: await store.transact(tx => stateNotes(tx, differences)),
  };
}

async function compare(
  store: Store,
  served: ServedHosts,
  installation: string,
): Promise<{ faults: FsckFault[]; differences: StateDifference[] }> {
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
  const differences: StateDifference[] = [];
  const busy = await store.transact(tx => busyVms(tx, ['open', 'waiting', 'parked']));
  for (const record of records) {
    const { host, uuid } = record.detail;
    if (!isSettled(record) || !served.has(String(host))) continue;
    const found = guests.get(String(uuid))?.guest.state;
    if (found === undefined) faults.push(guestMissing(String(host), record.key, String(uuid)));
    else if (found !== record.detail.state && !busy.has(record.key))
      differences.push({
        host: String(host),
        vm: record.key,
        recorded: record.detail.state as StateDifference['recorded'],
        found,
        told: null,
      });
  }
  return { faults, differences };
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
