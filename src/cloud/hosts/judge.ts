import { isGroup, type Message, type Phase } from '../../message/message.ts';
import { isResting } from '../../message/status.ts';
import type { Allocation, StoreTx } from '../../store/store.ts';
import { guestUuid } from '../compute/guest-uuid.ts';
import { cloudTables } from '../schema.ts';
import type { Judgement, RecordedVm } from './compare.ts';

/** The VM of that record if it is at that host and there: made, and not being removed. One at most. */
export function recordedVm({ key, msgid, detail }: Allocation, host: string): RecordedVm[] {
  const { state } = detail;
  if (detail.host !== host || (state !== 'running' && state !== 'stopped')) return [];
  const text = (name: string): string => String(detail[name] ?? '');
  const spec = { cpu: Number(detail.cpu), mem: Number(detail.mem), ip: text('ip'), mac: text('mac') };
  return [{ name: key, uuid: text('uuid'), state, ...spec, network: text('network'), msgid }];
}

/** VMs that a message in one of these phases works on, so that they may well be in between. */
export async function busyVms(
  tx: StoreTx,
  phases: readonly Phase[] = ['open', 'waiting'],
): Promise<Set<string>> {
  const uses = cloudTables(tx.db).selectFrom('allocations').where('kind', '=', 'use');
  const open = await tx.db
    .selectFrom('messages')
    .select('msgid')
    .where('phase', 'in', phases)
    .where('msgid', 'in', uses.select('msgid'))
    .execute();
  const under = new Set(open.map(row => Number(row.msgid)));
  const busy = new Set<string>();
  for (const { msgid, detail } of await uses.select(['msgid', 'detail']).execute())
    if (under.has(Number(msgid))) busy.add(String(JSON.parse(detail).on).replace(/^vm\//, ''));
  return busy;
}

/** What is known of a guest that no VM on record stands for at its host. */
export async function judge(
  tx: StoreTx,
  guest: { readonly uuid: string; readonly msgid: number | null },
  installation: string,
): Promise<Judgement> {
  if (guest.msgid === null) return { kind: 'unknown', why: 'it does not say which message made it' };
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
