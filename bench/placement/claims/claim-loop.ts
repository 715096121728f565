import { claimHosts, type HostClaim } from '../../../src/cloud/resource/claim-hosts.ts';
import { claimOf, Fleet } from '../../../src/placement/fleet.ts';
import { placementHost } from '../../../src/placement/host.ts';
import { placementRequest } from '../../../src/placement/request.ts';
import type { Shard } from '../../../src/placement/shard.ts';
import type { Store } from '../../../src/store/store.ts';
import { HOST, hostName, VM } from './cloud-rig.ts';

const REQUEST = placementRequest({ cpuMilli: VM.cpus * 1000, memMib: VM.memMib });
/** Transactions that wait at the same time: the next is made up while the one before is made durable. */
const AT_ONCE = 2;

export interface LoopOptions {
  readonly hosts: number;
  /** Numbers of the claims: no two loops may share one. */
  readonly first: number;
  readonly count: number;
  /** Claims of one transaction. */
  readonly batch: number;
  readonly shard?: Shard;
}

/** The hosts of the rig, as a scheduler that has read them knows them. */
export function fleetOf(hosts: number): Fleet {
  const fleet = new Fleet();
  for (let index = 0; index < hosts; index++)
    fleet.put(
      placementHost({ name: hostName(index), cpuMilliTotal: HOST.cpus * 1000, memMibTotal: HOST.memMib }),
    );
  return fleet;
}

/** Chooses in memory and claims in the store, batch by batch, without messages. Returns how many tries were lost to others. */
export async function claimLoop(store: Store, fleet: Fleet, options: LoopOptions): Promise<number> {
  const { first, count, batch } = options;
  const end = first + count;
  let next = first;
  let lost = 0;
  const work = async (): Promise<void> => {
    while (next < end) {
      let ids = Array.from({ length: Math.min(batch, end - next) }, (_, index) => next + index);
      next += ids.length;
      while (ids.length > 0) {
        const claims = ids.map(id => chosen(fleet, id, options.shard));
        const made = await store.transact(tx => claimHosts(tx, claims));
        ids = claims.filter(({ id }) => made.lost.has(id)).map(({ holder }) => holder.msgid);
        lost += ids.length;
        for (const id of made.lost) fleet.release(id);
      }
    }
  };
  await Promise.all(Array.from({ length: batch === 1 ? 1 : AT_ONCE }, work));
  return lost;
}

function chosen(fleet: Fleet, number: number, shard: Shard | undefined): HostClaim {
  const choice = fleet.select(REQUEST, shard ? { shard } : {});
  if (choice === null) throw new Error('no host has room');
  const claim = claimOf(REQUEST, choice, `${number}.0`, '');
  fleet.hold(claim);
  return { ...claim, holder: { msgid: number, step: 0 } };
}

/** As many claims as were asked for, each once, and no host over-committed: read from the store. */
export async function checkLoops(store: Store, hosts: readonly HostUse[], expected: number): Promise<void> {
  const claims = await store.allocations({ kind: 'claim' });
  const over = hosts.filter(({ cpu, memMib }) => cpu.used > cpu.total || memMib.used > memMib.total);
  const used = hosts.reduce((sum, { cpu }) => sum + cpu.used, 0);
  if (over.length > 0 || claims.length !== expected || used !== expected * VM.cpus)
    throw new Error(
      `${over.length} hosts are over-committed, ${claims.length} claims, ${used} CPUs used for ${expected} VMs`,
    );
}

interface HostUse {
  readonly cpu: { readonly used: number; readonly total: number };
  readonly memMib: { readonly used: number; readonly total: number };
}
