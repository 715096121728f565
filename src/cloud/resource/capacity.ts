import { Retryable, Terminal } from '../../step/step-errors.ts';
import type { Tx } from '../../store/tx.ts';
import { allocate, type Holder, takeOut } from '../allocations.ts';
import { cloudTables } from '../schema.ts';
import { chooseHost, type PlacementRecord, type Random, recordWinner } from './choose-host.ts';
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
      if (await claim(tx, host, request)) {
        const detail = { host: host.name, cpu: request.cpu, mem: request.memMib };
        if (!(await allocate(tx, 'claim', claimKey(holder), holder, detail))) {
          // A person had the walk back skip this step, and the message came forward again: the old claim makes way.
          await releaseHost(tx, inventory, holder);
          await allocate(tx, 'claim', claimKey(holder), holder, detail);
        }
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
  for (const { detail } of await takeOut(tx, 'claim', holder)) {
    const host = String(detail.host);
    const cpu = Number(detail.cpu);
    const mem = Number(detail.mem);
    await cloudTables(tx.db)
      .updateTable('hosts')
      .set(eb => ({ cpu_used: eb('cpu_used', '-', cpu), mem_used_mib: eb('mem_used_mib', '-', mem) }))
      .where('name', '=', host)
      .execute();
    inventory.count(host, -cpu, -mem);
  }
}

/** One claim for each step: a plan may choose a host more than once. */
const claimKey = ({ msgid, step }: Holder): string => `${msgid}.${step}`;

async function claim(tx: Tx, host: HostSnapshot, { cpu, memMib }: HostRequest): Promise<boolean> {
  const claimed = await cloudTables(tx.db)
    .updateTable('hosts')
    .set(eb => ({ cpu_used: eb('cpu_used', '+', cpu), mem_used_mib: eb('mem_used_mib', '+', memMib) }))
    .where('name', '=', host.name)
    .where('state', '=', 'up')
    .where(eb => eb(eb('cpu_used', '+', cpu), '<=', eb('cpu_total', '*', eb.ref('cpu_overcommit'))))
    .where(eb => eb(eb('mem_used_mib', '+', memMib), '<=', eb.ref('mem_total_mib')))
    .executeTakeFirst();
  return Number(claimed.numUpdatedRows) > 0;
}
