import type { Message } from '../../message/message.ts';
import type { StoreTx } from '../../store/store.ts';
import { cloudTables } from '../schema.ts';

/** A VM whose guest is there, in another state than is on record. */
export interface StateDifference {
  readonly host: string;
  readonly vm: string;
  readonly recorded: 'running' | 'stopped';
  readonly found: 'running' | 'stopped' | 'paused';
  /** What an agent told, and when (ms since 1970); null: its hypervisor was asked just now. */
  readonly told: { readonly since: number; readonly at: number } | null;
}

/**
 * One sentence: what each side says, since when, and the command that brings them together. No fault: a guest that powered
 * itself off is nobody's mistake.
 */
async function stateNote(tx: StoreTx, difference: StateDifference): Promise<string> {
  const { host, vm, recorded, found, told } = difference;
  const by = await lastBy(tx, vm);
  const record = by === null ? '' : ` (message ${by.msgid}, ${timeOf(by.updated)})`;
  const report = told === null ? ' now' : ` since ${timeOf(told.since)} (told ${timeOf(told.at)})`;
  return `vm ${vm} is ${recorded} on record${record}, and host ${host} has it ${found}${report}: ${remedy(difference)}`;
}

const timeOf = (ms: number): string => new Date(ms).toISOString();

function remedy({ host, vm, recorded, found }: StateDifference): string {
  if (found === 'paused')
    return `somebody paused it; \`coax vm stop ${vm}\`, then \`coax vm start ${vm}\`, boots it anew`;
  const reconcile = `\`coax host reconcile ${host} --apply\``;
  return recorded === 'running'
    ? `${reconcile} starts it, \`coax vm stop ${vm}\` puts on record that it is stopped`
    : `${reconcile} puts on record that it runs, \`coax vm stop ${vm}\` stops it`;
}

/** The message that last worked on the VM: its maker, or a later one that stopped, started or moved it. */
async function lastBy(tx: StoreTx, vm: string): Promise<Message | null> {
  const rows = await cloudTables(tx.db)
    .selectFrom('allocations')
    .select('msgid')
    .where(eb =>
      eb.or([
        eb.and([eb('kind', '=', 'vm'), eb('key', '=', vm)]),
        // A name has neither % nor _, so it is its own pattern.
        eb.and([eb('kind', '=', 'use'), eb('key', 'like', `vm/${vm}#%`)]),
      ]),
    )
    .execute();
  const newest = rows.reduce((max, { msgid }) => Math.max(max, Number(msgid)), 0);
  return await tx.message(newest);
}

export async function stateNotes(tx: StoreTx, differences: readonly StateDifference[]): Promise<string[]> {
  const notes: string[] = [];
  for (const difference of differences) notes.push(await stateNote(tx, difference));
  return notes;
}
