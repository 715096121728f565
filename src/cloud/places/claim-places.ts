import type { Parameters } from '../../message/message.ts';
import type { PlacementRequest } from '../../placement/request.ts';
import { Terminal } from '../../step/step-errors.ts';
import type { Tx } from '../../store/tx.ts';
import { allocationAt, type Holder } from '../allocations.ts';
import { assertQuota } from '../quota/accounts.ts';
import { NO_USE, sumOf } from '../quota/use.ts';
import type { Scheduler } from '../resource/scheduler.ts';
import { vmExists } from '../resource/vm-record.ts';

/** Room that is wanted: for a VM of that name, or for whoever comes when the name is empty. */
export interface PlaceWish {
  readonly vm: string;
  readonly request: PlacementRequest;
  /** What stands in the VM's record, beside its host. */
  readonly record?: Parameters;
}

export interface Place {
  readonly vm: string;
  readonly host: string;
}

/**
 * Claims room for all, or for none: in one transaction, each as if those before it were there. VMs that have a name get their
 * record too. Errors: Terminal COAX_NO_VALID_HOST which names the one that no host fits, with the whole record; Terminal
 * COAX_VM_EXISTS, COAX_QUOTA_EXCEEDED; Retryable when others were faster every time. After an error the transaction must not be kept.
 */
export async function claimPlaces(
  tx: Tx,
  scheduler: Scheduler,
  holder: Holder,
  wishes: readonly PlaceWish[],
): Promise<Place[]> {
  const uses = wishes.map(({ vm, request: { cpuMilli, memMib } }) => {
    return { ...NO_USE, vms: vm === '' ? 0 : 1, cpuMilli, memMib };
  });
  await assertQuota(tx, { msgid: holder.msgid, use: sumOf(uses) });
  const fleet = await scheduler.feed.fleet(tx);
  const placed = await scheduler.place(
    tx,
    wishes.map(({ vm, request, record }, number) => ({
      holder,
      number,
      request,
      vm,
      ...(vm && {
        beside: ({ host }: { host: string }) => ({
          kind: 'vm',
          key: vm,
          detail: { ...record, host, simulated: fleet.host(host)?.simulated ?? false },
        }),
      }),
    })),
  );
  const failed = placed.findIndex(({ kind }) => kind !== 'placed');
  if (failed < 0) return placed.flatMap((each, at) => placeOf(wishes[at]!.vm, each));
  const { vm, request } = wishes[failed]!;
  // What those before it have taken still counts here.
  const record = (await scheduler.feed.fleet(tx)).explain(request);
  // The transaction ends here for nothing; what is known in memory must end with it.
  await scheduler.release(tx, holder);
  if (placed[failed]!.kind === 'refused') throw vmExists(vm, await allocationAt(tx, 'vm', vm));
  const which = `number ${failed + 1} of ${wishes.length}${vm && ` (${vm})`}`;
  throw new Terminal(`${which} has no host, so none is placed: ${record.reason}`, {
    code: 'COAX_NO_VALID_HOST',
    detail: record,
  });
}

function placeOf(vm: string, placed: Awaited<ReturnType<Scheduler['place']>>[number]): Place[] {
  return placed.kind === 'placed' ? [{ vm, host: placed.choice.host }] : [];
}
