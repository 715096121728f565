import { z } from 'zod';
import type { Message } from '../../message/message.ts';
import { isGroup } from '../../message/message.ts';
import { isResting } from '../../message/status.ts';
import { defineModule, type ModuleDefinition } from '../../step/define-module.ts';
import type { Allocation, StoreTx } from '../../store/store.ts';
import type { Tx } from '../../store/tx.ts';
import { allocationAt, allocationOf, changeDetail } from '../allocations.ts';
import { guestUuid } from '../compute/guest-uuid.ts';
import { FoundGuest, Repair } from '../compute/survey.ts';
import { owe, owedAt, settleOwed } from '../owed/owed.ts';
import { cloudTables } from '../schema.ts';
import { compareGuests, type Difference, type Judgement, type RecordedVm } from './compare.ts';
import { hostNamed } from './host-state.ts';

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

function recordedVm({ key, msgid, detail }: Allocation, host: string): RecordedVm[] {
  const { state } = detail;
  if (detail.host !== host || (state !== 'running' && state !== 'stopped')) return [];
  const text = (name: string): string => String(detail[name] ?? '');
  const spec = { cpu: Number(detail.cpu), mem: Number(detail.mem), ip: text('ip'), mac: text('mac') };
  return [{ name: key, uuid: text('uuid'), state, ...spec, network: text('network'), msgid }];
}

/** VMs that a message under way works on, so that they may well be in between. */
async function busyVms(tx: StoreTx): Promise<Set<string>> {
  const uses = cloudTables(tx.db).selectFrom('allocations').where('kind', '=', 'use');
  const open = await tx.db
    .selectFrom('messages')
    .select('msgid')
    .where('phase', 'in', ['open', 'waiting'])
    .where('msgid', 'in', uses.select('msgid'))
    .execute();
  const under = new Set(open.map(row => Number(row.msgid)));
  const busy = new Set<string>();
  for (const { msgid, detail } of await uses.select(['msgid', 'detail']).execute())
    if (under.has(Number(msgid))) busy.add(String(JSON.parse(detail).on).replace(/^vm\//, ''));
  return busy;
}

async function judge(tx: StoreTx, guest: FoundGuest, installation: string): Promise<Judgement> {
  const message = await tx.message(guest.msgid);
  if (!message) return { kind: 'unknown', why: `message ${guest.msgid}, which made it, is not known here` };
  if (!isResting(message.phase) || message.phase === 'parked')
    return { kind: 'under way', why: `message ${message.msgid} is under way` };
  const [vm] = await tx.allocations({ kind: 'vm', msgid: message.msgid });
  if (message.phase === 'rolled_back' && isOf(message, guest.uuid, installation))
    return { kind: 'left', why: `message ${message.msgid}, which made it, was rolled back` };
  const where = vm?.detail.uuid === guest.uuid ? `; vm ${vm.key} is on host ${vm.detail.host}` : '';
  return { kind: 'unknown', why: `no vm on record here stands for it${where}` };
}

/** Does the uuid follow from a step of that message? Then nobody else can have made the guest. */
function isOf({ msgid, plan }: Message, uuid: string, installation: string): boolean {
  return plan.steps.some(
    (step, index) => !isGroup(step) && guestUuid(installation, `${msgid}.${index}`) === uuid,
  );
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
