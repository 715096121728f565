import type { Allocation } from '../../store/store.ts';
import { guestRanges, macOf, parseAddress } from '../network/address.ts';
import type { NetworkRow } from '../schema.ts';
import type { Books } from './books.ts';
import { checkCapacity } from './check-capacity.ts';
import { checkQuotas } from './check-quotas.ts';
import { type FsckFault, REPORT } from './fsck-fault.ts';

/** Every way in which the books may contradict themselves. Pure. */
export function checkBooks(books: Books): FsckFault[] {
  return [
    ...checkCapacity(books),
    ...checkAddresses(books),
    ...checkVms(books),
    ...checkHolders(books),
    ...checkQuotas(books),
  ];
}

function checkAddresses({ networks, freeRanges, addresses }: Books): FsckFault[] {
  const faults: FsckFault[] = [];
  const fault = (where: string, reason: string) =>
    faults.push({ kind: 'address', where, reason, hint: REPORT });
  const byName = new Map(networks.map(network => [network.name, network]));
  for (const { key, detail } of addresses) {
    const network = byName.get(String(detail.network));
    const address = parseAddress(key);
    if (!network) fault(`address ${key}`, `its network ${detail.network} does not exist`);
    else if (address === null || !isForGuests(network, address))
      fault(`address ${key}`, `it is not one of ${network.cidr} that guests may have`);
    else if (detail.mac !== macOf(network.mac_prefix, address))
      fault(`address ${key}`, `its mac ${detail.mac} does not belong to it`);
  }
  for (const network of networks) {
    const taken = addresses
      .filter(({ detail }) => detail.network === network.name)
      .map(({ key }) => parseAddress(key) ?? -1);
    const free = freeRanges
      .filter(range => range.network === network.name)
      .map(range => ({ low: Number(range.low), high: Number(range.high) }));
    const runs = [...free, ...taken.map(address => ({ low: address, high: address }))].sort(
      (a, b) => a.low - b.low,
    );
    let covered = 0;
    let last = -1;
    let twice = false;
    for (const { low, high } of runs) {
      twice ||= low <= last;
      covered += high - low + 1;
      last = Math.max(last, high);
    }
    const whole = guestRanges(network.cidr, network.gateway).reduce(
      (sum, { low, high }) => sum + high - low + 1,
      0,
    );
    if (twice) fault(`network ${network.name}`, 'an address is free and taken at once');
    else if (covered !== whole)
      fault(`network ${network.name}`, `${covered} addresses are free or taken, of ${whole}`);
  }
  return faults;
}

const isForGuests = (network: NetworkRow, address: number): boolean =>
  guestRanges(network.cidr, network.gateway).some(({ low, high }) => low <= address && address <= high);

function checkVms({ claims, addresses, vms, uses }: Books): FsckFault[] {
  const faults: FsckFault[] = [];
  const claimed = new Set(claims.map(({ msgid, detail }) => `${msgid} ${detail.host}`));
  const addressed = new Set(addresses.map(({ msgid, key }) => `${msgid} ${key}`));
  for (const { key, msgid, detail } of vms) {
    const fault = (reason: string) => faults.push({ kind: 'vm', where: `vm ${key}`, reason, hint: REPORT });
    if (!claimed.has(`${msgid} ${detail.host}`))
      fault(`message ${msgid} has no claim on host ${detail.host}`);
    // A VM on its way has no address yet, or no longer.
    if (isSettled({ detail }) && !addressed.has(`${msgid} ${detail.ip}`))
      fault(`message ${msgid} does not hold its address ${detail.ip}`);
  }
  const names = new Set(vms.map(({ key }) => `vm/${key}`));
  for (const { key, msgid, detail } of uses) {
    if (names.has(String(detail.on))) continue;
    faults.push({
      kind: 'vm',
      where: `use ${key}`,
      reason: `message ${msgid} uses ${detail.on}, which does not exist`,
      hint: REPORT,
    });
  }
  return faults;
}

/** Is the VM what its record says, with no message under way that makes or removes it? */
export const isSettled = ({ detail }: Pick<Allocation, 'detail'>): boolean =>
  detail.state === 'running' || detail.state === 'stopped';

/** A message that was rolled back holds nothing, unless a person had the walk back skip a step: then this names what is left. */
function checkHolders({ claims, addresses, vms, uses, preemptions, phases }: Books): FsckFault[] {
  return [...claims, ...addresses, ...vms, ...uses, ...preemptions].flatMap(
    ({ kind, key, msgid }): FsckFault[] => {
      const phase = phases.get(msgid);
      if (phase !== undefined && phase !== 'rolled_back') return [];
      return [
        {
          kind: 'leak',
          where: `${kind} ${key}`,
          reason: phase
            ? `message ${msgid} was rolled back and still holds it`
            : `message ${msgid} does not exist`,
          hint: phase
            ? `\`coax log ${msgid}\` shows whether a person skipped the step that made it.`
            : REPORT,
        },
      ];
    },
  );
}
