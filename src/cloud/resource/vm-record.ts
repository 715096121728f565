import type { Parameters } from '../../message/message.ts';
import { Terminal } from '../../step/step-errors.ts';
import type { Allocation } from '../../store/store.ts';
import type { Tx } from '../../store/tx.ts';
import {
  allocate,
  allocationAt,
  changeAll,
  changeDetail,
  type Holder,
  lockAll,
  takeOut,
} from '../allocations.ts';
import { mayWorkOn } from '../owners.ts';
import { countUse } from '../quota/accounts.ts';
import { cloudTables } from '../schema.ts';

/**
 * A VM's record is the allocation of its name: kind `vm`, key the name, what is known of it in `detail`. So one row says
 * that the name is taken, which message made the VM, and how it is.
 *
 * `building`: its message is not there yet. `removing`: its message walks back. The other two are as last recorded.
 */
export type VmState = 'building' | 'running' | 'stopped' | 'removing';

/** A DNS label: the guest has it as its host name. Source: RFC 1123, 2.1. */
export const VM_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Errors: Terminal COAX_VM_EXISTS. */
export async function claimName(tx: Tx, name: string, holder: Holder, detail: Parameters): Promise<void> {
  if (!(await allocate(tx, 'vm', name, holder, detail)))
    throw vmExists(name, await allocationAt(tx, 'vm', name));
  await countUse(tx, [{ kind: 'vm', msgid: holder.msgid, detail }], 1);
}

export function vmExists(name: string, other: Allocation | null): Terminal {
  const by = other ? `; message ${other.msgid} made it` : '';
  return new Terminal(`a vm named ${name} exists${by}: choose another name, or leave it out`, {
    code: 'COAX_VM_EXISTS',
  });
}

/** Gives the names back that the step has claimed, with the marks of later messages that used those VMs. */
export async function releaseNames(tx: Tx, holder: Holder): Promise<void> {
  const names = await takeOut(tx, 'vm', holder);
  await countUse(tx, names, -1);
  for (const { key } of names) {
    // A name has neither % nor _, so it is its own pattern.
    await cloudTables(tx.db)
      .deleteFrom('allocations')
      .where('kind', '=', 'use')
      .where('key', 'like', `vm/${key}#%`)
      .execute();
  }
}

/** A VM that message `by` may work on. Errors: Terminal COAX_NOT_FOUND, COAX_MESSAGE_STATE. */
export async function readyVm(tx: Tx, name: string, by: number): Promise<Allocation> {
  const vm = await allocationAt(tx, 'vm', name);
  if (!vm || !(await mayWorkOn(tx, by, vm.msgid)))
    throw new Terminal(`there is no vm ${name}; \`coax vm ls\` lists them`, { code: 'COAX_NOT_FOUND' });
  const { state } = vm.detail;
  if (state !== 'running' && state !== 'stopped') {
    throw new Terminal(`vm ${name} is ${state}: message ${vm.msgid} is under way`, {
      code: 'COAX_MESSAGE_STATE',
    });
  }
  return vm;
}

/** Marks that this message builds on that VM, so that the one which made it is not reverted unawares. */
export async function markUse(tx: Tx, name: string, holder: Holder): Promise<void> {
  await allocate(tx, 'use', useKey(name, holder.msgid), holder, { on: `vm/${name}` });
}

export async function unmarkUse(tx: Tx, holder: Holder): Promise<void> {
  await takeOut(tx, 'use', holder);
}

/**
 * Records facts about a VM, for the message that made it or for one that uses it; the latter keeps what stood there
 * before with its mark of use, for its undo. Errors: Terminal COAX_NOT_FOUND.
 */
export async function recordVm(tx: Tx, name: string, msgid: number, facts: Parameters): Promise<void> {
  const vm = await allocationAt(tx, 'vm', name);
  if (!vm) {
    throw new Terminal(`there is no record of a vm ${name}; \`resource select_host\` makes it`, {
      code: 'COAX_NOT_FOUND',
    });
  }
  if (vm.msgid !== msgid) {
    const use = await allocationAt(tx, 'use', useKey(name, msgid));
    if (!use) {
      throw new Terminal(`vm ${name} belongs to message ${vm.msgid}; \`resource use_vm\` comes first`, {
        code: 'COAX_MESSAGE_STATE',
      });
    }
    const was = Object.fromEntries(Object.keys(facts).map(fact => [fact, vm.detail[fact] ?? null]));
    if (use.detail.was === undefined) await changeDetail(tx, 'use', use.key, { ...use.detail, was });
  }
  await changeDetail(tx, 'vm', name, { ...vm.detail, ...facts });
}

/**
 * Records facts about VMs for the messages that made them, of many at once. False for one that there is no record of, or that
 * another message made: nothing is written then.
 */
export async function recordOwnVms(
  tx: Tx,
  wanted: readonly { readonly name: string; readonly msgid: number; readonly facts: Parameters }[],
): Promise<boolean[]> {
  const vms = await lockAll(
    tx,
    'vm',
    wanted.map(({ name }) => name),
  );
  const own = wanted.map(({ name, msgid }) => vms.get(name)?.msgid === msgid);
  const details = wanted.flatMap(({ name, facts }, at): [string, Parameters][] =>
    own[at] ? [[name, { ...vms.get(name)!.detail, ...facts }]] : [],
  );
  await changeAll(tx, 'vm', details);
  return own;
}

/** Takes the facts back. Does nothing when there is no record, or none was changed. */
export async function unrecordVm(tx: Tx, name: string, msgid: number): Promise<void> {
  const vm = await allocationAt(tx, 'vm', name);
  if (!vm) return;
  if (vm.msgid === msgid) {
    await changeDetail(tx, 'vm', name, { ...vm.detail, state: 'removing' satisfies VmState });
    return;
  }
  const use = await allocationAt(tx, 'use', useKey(name, msgid));
  if (!use || use.detail.was === undefined) return;
  const { was, ...rest } = use.detail;
  await changeDetail(tx, 'vm', name, { ...vm.detail, ...(was as Parameters) });
  await changeDetail(tx, 'use', use.key, rest);
}

const useKey = (name: string, msgid: number): string => `vm/${name}#${msgid}`;
