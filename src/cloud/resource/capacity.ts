import { Retryable, Terminal } from '../../step/step-errors.ts';
import type { Tx } from '../../store/tx.ts';
import type { Holder } from '../allocations.ts';
import { chooseHost, type PlacementRecord, type Random, recordWinner } from './choose-host.ts';
import { claimKey } from './claim-detail.ts';
import { claimHosts, type HostClaim, releaseHosts } from './claim-hosts.ts';
import type { HostRequest, HostSnapshot } from './host-snapshot.ts';
import type { Inventory } from './inventory.ts';

/** After so many rounds in which every candidate was lost to others, the step's own backoff is the better wait. */
const ROUNDS_MAX = 4;

export interface Placed {
  readonly host: HostSnapshot;
  readonly record: PlacementRecord;
}

/**
 * Chooses a host and claims its capacity in the transaction: the store checks `used + asked <= limit`, so two
 * schedulers can never both have the last of it; whoever loses takes the next candidate. Nothing is written unless it
 * returns. Errors: Terminal COAX_NO_VALID_HOST with the whole record; Retryable when others were faster every time.
 */
export async function claimHost(
  tx: Tx,
  inventory: Inventory,
  holder: Holder,
  request: HostRequest,
  random: Random,
): Promise<Placed> {
  let lost = 0;
  let hosts = await inventory.hosts(tx);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    let { tries, record } = chooseHost(hosts, request, random);
    if (tries.length === 0 && round === 0) {
      // The figures in memory may be old, and "none" is for good.
      hosts = await inventory.readAnew(tx);
      ({ tries, record } = chooseHost(hosts, request, random));
    }
    if (tries.length === 0) throw new Terminal(record.reason, { code: 'COAX_NO_VALID_HOST', detail: record });
    for (const host of tries) {
      const { lost: others } = await claimHosts(tx, [claimOn(host.name, holder, request)]);
      if (others.size === 0) {
        inventory.count(host.name, request.cpu, request.memMib);
        return { host, record: recordWinner(record, host, lost) };
      }
      lost++;
    }
    hosts = await inventory.readAnew(tx);
  }
  throw new Retryable(`${lost} claims were lost to other requests`, { code: 'COAX_NO_VALID_HOST' });
}

/** Gives back what the step has claimed. Does nothing when it has claimed nothing. */
export async function releaseHost(tx: Tx, inventory: Inventory, holder: Holder): Promise<void> {
  for (const { host, cpuMilli, memMib } of await releaseHosts(tx, holder))
    inventory.count(host, -cpuMilli / 1000, -memMib);
}

const claimOn = (host: string, holder: Holder, { cpu, memMib }: HostRequest): HostClaim => ({
  id: claimKey(holder),
  holder,
  host,
  cpuMilli: cpu * 1000,
  memMib,
  diskMib: 0,
  gpu: 0,
  gpuMilli: 0,
  devices: [],
  cell: -1,
  group: '',
  vm: '',
  preemptible: false,
  project: '',
});
