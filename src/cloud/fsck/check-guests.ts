import type { Store } from '../../store/store.ts';
import type { Guest } from '../compute/hypervisor.ts';
import type { ServedHosts } from '../inventory-views.ts';
import { isSettled } from './check-books.ts';
import type { FsckFault } from './fsck-fault.ts';

/**
 * Compares the guests that the hypervisors here have with the VMs on record. Guests of messages under way, or parked
 * for a person, are no faults. What looks wrong is looked at once more, since work goes on meanwhile.
 */
export async function checkGuests(store: Store, served: ServedHosts): Promise<FsckFault[]> {
  const suspects = await compare(store, served);
  if (suspects.length === 0) return [];
  const again = new Set((await compare(store, served)).map(({ kind, where }) => `${kind} ${where}`));
  return suspects.filter(({ kind, where }) => again.has(`${kind} ${where}`));
}

async function compare(store: Store, served: ServedHosts): Promise<FsckFault[]> {
  const guests = new Map<string, Guest>();
  for (const hypervisor of new Set(served.values())) {
    for (const guest of await hypervisor.list()) guests.set(guest.uuid, guest);
  }
  const records = await store.allocations({ kind: 'vm' });
  const recorded = new Set(records.map(({ detail }) => detail.uuid));
  const faults: FsckFault[] = [];
  for (const guest of guests.values()) {
    if (!recorded.has(guest.uuid)) faults.push(...(await leftGuest(store, guest)));
  }
  for (const record of records) {
    const { host, uuid } = record.detail;
    if (!isSettled(record) || !served.has(String(host)) || guests.has(String(uuid))) continue;
    faults.push({
      kind: 'guest-missing',
      where: `vm ${record.key}`,
      reason: `host ${host} has no guest ${uuid}`,
      hint: `\`coax vm rm ${record.key} --reason …\` gives its claim, address and name back.`,
    });
  }
  return faults;
}

async function leftGuest(store: Store, guest: Guest): Promise<FsckFault[]> {
  const { msgid } = guest.spec;
  const message = await store.message(msgid);
  if (message && (message.phase === 'open' || message.phase === 'waiting' || message.phase === 'parked'))
    return [];
  const why = message
    ? `message ${msgid}, which made it, is ${message.phase.replace('_', ' ')}`
    : `message ${msgid}, which made it, does not exist`;
  return [
    {
      kind: 'guest-left',
      where: `guest ${guest.uuid}`,
      reason: `guest ${guest.name} is ${guest.state}, and no vm stands for it: ${why}`,
      hint:
        guest.pid === null
          ? `Remove its folder, which is named ${guest.uuid}.`
          : `\`kill ${guest.pid}\` ends it, once nobody needs it.`,
    },
  ];
}
