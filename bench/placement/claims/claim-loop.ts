import { FleetFeed } from '../../../src/cloud/resource/feed/fleet-feed.ts';
import { Scheduler } from '../../../src/cloud/resource/scheduler.ts';
import { placementRequest } from '../../../src/placement/request.ts';
import type { Store } from '../../../src/store/store.ts';
import { VM } from './cloud-rig.ts';

const REQUEST = placementRequest({ cpuMilli: VM.cpus * 1000, memMib: VM.memMib });
/** Transactions that wait at the same time: the next is made up while the one before is made durable. */
const AT_ONCE = 2;

export interface LoopOptions {
  /** Numbers of the claims: no two loops may share one. */
  readonly first: number;
  readonly count: number;
  /** Claims of one transaction. */
  readonly batch: number;
}

/** A scheduler of this process, which has read the fleet. */
export async function readyScheduler(store: Store): Promise<Scheduler> {
  const scheduler = new Scheduler(new FleetFeed(store));
  await scheduler.feed.fleet({ db: store.reader, now: store.now() });
  return scheduler;
}

/** Chooses in memory and claims in the store, batch by batch, without messages. Returns how many tries were lost to others. */
export async function claimLoop(store: Store, scheduler: Scheduler, options: LoopOptions): Promise<number> {
  const { first, count, batch } = options;
  const end = first + count;
  let next = first;
  const work = async (): Promise<void> => {
    while (next < end) {
      const wishes = Array.from({ length: Math.min(batch, end - next) }, (_, index) => ({
        holder: { msgid: next + index, step: 0 },
        request: REQUEST,
        vm: '',
      }));
      next += wishes.length;
      const placed = await store.transactBeside(tx => scheduler.place(tx, wishes));
      const left = wishes.filter((_, index) => placed[index]!.kind !== 'placed');
      // As the server does: what was not to be had beside others is placed alone.
      const alone = left.length === 0 ? [] : await store.transact(tx => scheduler.place(tx, left));
      const failed = alone.find(({ kind }) => kind !== 'placed');
      if (failed) throw new Error(`a claim is ${failed.kind}`);
    }
  };
  await Promise.all(Array.from({ length: batch === 1 ? 1 : AT_ONCE }, work));
  return scheduler.counts.conflicts;
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
