import { transition } from '../../channel/transition.ts';
import { isGroup } from '../../message/message.ts';
import type { PlacementClaim } from '../../placement/claim.ts';
import type { StoreTx } from '../../store/store.ts';
import { allocationAt, allocationOf, ofMessage } from '../allocations.ts';
import { cloudTables } from '../schema.ts';

/** A VM that gives its room to another. */
export type Victim = { vm: string; msgid: number };

/**
 * What can be done about a claim: `free` to take, its message can be reverted now; `coming`, its message walks back already; or why it
 * must be left alone.
 */
export type Standing =
  | { readonly kind: 'free'; readonly victim: Victim }
  | { readonly kind: 'coming'; readonly victim: Victim }
  | { readonly kind: 'kept'; readonly reason: string };

const kept = (reason: string): Standing => ({ kind: 'kept', reason });

/** Reads, and locks, the message that made the claim's VM. */
export async function standingOf(tx: StoreTx, { id, vm }: PlacementClaim): Promise<Standing> {
  const record = vm === '' ? null : await allocationAt(tx, 'vm', vm);
  if (record === null) return kept(`claim ${id} has no VM yet`);
  const { msgid } = record;
  const maker = await tx.message(msgid);
  if (maker === null || !id.startsWith(`${msgid}.`))
    return kept(`vm ${vm} is of message ${msgid}, which holds not this claim`);
  if (maker.phase === 'parked') return kept(`vm ${vm}: message ${msgid} is parked`);
  if (maker.mode === 'rollback' && maker.rewindTo === null) return { kind: 'coming', victim: { vm, msgid } };
  if (maker.phase !== 'done') return kept(`vm ${vm}: message ${msgid} is under way`);
  if (maker.parent !== null) return kept(`vm ${vm}: message ${msgid} is a branch of ${maker.parent.msgid}`);
  const claims = await ofMessage(tx, 'claim', msgid);
  if (maker.plan.steps.some(isGroup) || claims.some(({ detail }) => detail.preemptible !== true))
    return kept(`vm ${vm}: message ${msgid} made more than preemptible VMs`);
  const user = await userOf(tx, vm);
  if (user !== null) return kept(`vm ${vm} is in use by message ${user}`);
  return { kind: 'free', victim: { vm, msgid } };
}

/** A message under way that works on the VM; null when there is none. */
async function userOf(tx: StoreTx, vm: string): Promise<number | null> {
  const rows = await cloudTables(tx.db)
    .selectFrom('allocations')
    .selectAll()
    .where('kind', '=', 'use')
    .where('key', 'like', `vm/${vm}#%`)
    .execute();
  for (const { msgid } of rows.map(allocationOf)) {
    const user = await tx.message(msgid);
    if (user !== null && user.phase !== 'done' && user.phase !== 'rolled_back') return msgid;
  }
  return null;
}

/** Turns the message that made a VM back, as a person's revert does: its own undo steps remove the VM. */
export async function evict(tx: StoreTx, { msgid }: Victim, by: number): Promise<void> {
  const maker = await tx.message(msgid);
  if (maker === null) return;
  const reason = `preempted by message ${by}`;
  const circumstances = { worker: null, code: null, actor: 'coax', started: tx.now, finished: tx.now };
  await tx.move(maker, transition(maker, { kind: 'revert', reason }, circumstances, 0));
}
