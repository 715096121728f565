import { z } from 'zod';
import { defineModule, type ModuleDefinition } from '../../step/define-module.ts';
import type { StoreTx } from '../../store/store.ts';
import type { Tx } from '../../store/tx.ts';
import { allocationAt, allocationOf, changeDetail } from '../allocations.ts';
import { FoundGuest, Repair } from '../compute/survey.ts';
import { owe, owedAt, settleOwed } from '../owed/owed.ts';
import { cloudTables } from '../schema.ts';
import { compareGuests, type Difference, type Judgement, type RecordedVm } from './compare.ts';
import { hostNamed } from './host-state.ts';
import { busyVms, judge, recordedVm } from './judge.ts';

const CompareInput = z.object({
  host: z.string().min(1),
  guests: z.array(FoundGuest),
  apply: z.boolean().default(false),
  unwanted: z.array(z.string()).default([]),
  /** Deletes what is owed, and leaves all else. */
  owed_only: z.boolean().default(false),
});
const CompareOutput = z.object({ differences: z.array(z.json()), repairs: z.array(Repair) });
const SettleInput = z.object({ host: z.string(), repair: Repair, fault: z.string() });

/** Module `reconcile`: whether a host's guests are as recorded, and the record of each repair. */
export function reconcileModule(installation: string): ModuleDefinition {
  return defineModule({
    name: 'reconcile',
    about: "Compares a host's guests with the record.",
    actions: {
      compare: {
        about: 'Finds where guests and record differ, and what mends each; with `apply` that is to be done.',
        transactional: true,
        input: CompareInput,
        output: CompareOutput,
        async do(input, call) {
          // Transactional steps run where the store is, in its own transaction.
          return await compare(call.tx as StoreTx, input, installation);
        },
        undo() {},
      },
      settle: {
        about: 'Records one repair. Undoing does nothing: the guest stays as it was found to have to be.',
        transactional: true,
        input: SettleInput,
        output: z.object({}),
        async do({ host, repair, fault }, call) {
          if (fault === '') await settle(call.tx, host, repair, call.msgid);
          return {};
        },
        undo() {},
      },
    },
  });
}

async function compare(
  tx: StoreTx,
  { host, guests, apply, unwanted, owed_only }: z.output<typeof CompareInput>,
  installation: string,
): Promise<{ differences: Difference[]; repairs: Repair[] }> {
  await hostNamed(tx, host);
  const vms = await vmsAt(tx, host);
  const recorded = new Set(vms.map(({ uuid }) => uuid));
  const judged = new Map<string, Judgement>();
  for (const guest of guests)
    if (!recorded.has(guest.uuid)) judged.set(guest.uuid, await judge(tx, guest, installation));
  const owed = new Set((await owedAt(tx, host)).map(({ uuid }) => uuid));
  const all = compareGuests({
    guests,
    vms,
    owed,
    unwanted: new Set(unwanted),
    busy: await busyVms(tx),
    judge: guest => judged.get(guest.uuid)!,
  });
  const differences = owed_only ? all.filter(({ uuid }) => owed.has(uuid)) : all;
  if (!apply) return { differences, repairs: [] };
  const specs = new Map(vms.map(vm => [vm.uuid, vm]));
  const repairs = differences.flatMap(({ action, uuid, name }): Repair[] =>
    action === 'none' ? [] : [{ ...NO_SPEC, name, ...specs.get(uuid), action, uuid }],
  );
  return { differences, repairs };
}

/** For a guest that is only to be deleted. */
const NO_SPEC = { state: 'stopped', cpu: 1, mem: 1, ip: '', mac: '', network: '', msgid: 0 } as const;

/** VMs on record at that host which are there: made, and not being removed. */
async function vmsAt(tx: StoreTx, host: string): Promise<RecordedVm[]> {
  const rows = await cloudTables(tx.db)
    .selectFrom('allocations')
    .selectAll()
    .where('kind', '=', 'vm')
    .where('detail', 'like', `%"host":${JSON.stringify(host)}%`)
    .orderBy('key')
    .execute();
  return rows.map(allocationOf).flatMap(vm => recordedVm(vm, host));
}

async function settle(tx: Tx, host: string, repair: Repair, msgid: number): Promise<void> {
  const { action, uuid, name } = repair;
  if (action === 'delete') return await settleOwed(tx, host, uuid);
  const vm = await allocationAt(tx, 'vm', name);
  if (vm?.detail.host !== host || vm.detail.uuid !== uuid) {
    // It was removed meanwhile: what was started for it must go again.
    if (action !== 'adopt') await owe(tx, { host, uuid, name, msgid, detail: { action } });
    return;
  }
  const { state } = vm.detail;
  if (action === 'adopt' && state === 'stopped')
    await changeDetail(tx, 'vm', name, { ...vm.detail, state: 'running' });
}
