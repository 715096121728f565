import { isGroup, type Message, type Parameters } from '../../message/message.ts';
import { parametersOf } from '../../message/parameters.ts';
import type { PlacementClaim } from '../../placement/claim.ts';
import type { PlacementRequest } from '../../placement/request.ts';
import { Terminal } from '../../step/step-errors.ts';
import type { Allocation, StoreTx } from '../../store/store.ts';
import { allocationAt, ofMessage } from '../allocations.ts';
import { claimOf } from '../resource/claim-detail.ts';
import { HostWish, requestOf } from '../resource/host-wish.ts';
import { cloudTables } from '../schema.ts';

/** A VM that may run on another host, with what it holds and the message that made it. */
export interface Movable {
  readonly vm: Allocation;
  readonly maker: Message;
  readonly room: PlacementClaim;
  /** The step of its maker that claimed its host. */
  readonly step: number;
}

/** Errors: Terminal COAX_NOT_FOUND, COAX_MESSAGE_STATE, COAX_HOST_STATE, each saying why that VM cannot move. */
export async function movableVm(tx: StoreTx, name: string): Promise<Movable> {
  const vm = await allocationAt(tx, 'vm', name);
  if (!vm)
    throw new Terminal(`there is no vm ${name}; \`coax vm ls\` lists them`, { code: 'COAX_NOT_FOUND' });
  const { state } = vm.detail;
  if (state !== 'running' && state !== 'stopped')
    throw refused(`vm ${name} is ${state}: message ${vm.msgid} is under way`);
  const maker = await tx.message(vm.msgid);
  if (maker?.phase !== 'done') throw refused(`message ${vm.msgid}, which made vm ${name}, is not done`);
  const step = Number(vm.detail.step);
  const claim = (await ofMessage(tx, 'claim', vm.msgid)).find(({ detail }) => detail.step === step);
  if (!claim) throw refused(`vm ${name} has no claim on its host; \`coax fsck\` tells more`);
  return { vm, maker, room: claimOf(claim.key, claim.detail), step };
}

const refused = (reason: string): Terminal => new Terminal(reason, { code: 'COAX_MESSAGE_STATE' });

/** What it asks of its next host: what its maker asked, but not where it is, and only where its network is. */
export async function requestElsewhere(
  tx: StoreTx,
  { vm, maker, room }: Movable,
  to: string | null,
): Promise<PlacementRequest> {
  const apart = await cloudTables(tx.db)
    .selectFrom('hosts')
    .select('name')
    .where('network', '!=', String(vm.detail.network))
    .execute();
  const asked = HostWish.safeParse(parametersOf(maker)).data ?? null;
  const cpu = room.cpuMilli / 1000;
  const request = requestOf({ ...asked, cpu, mem: room.memMib }, ({ policy = '' }) => policy);
  const labels = to === null ? request.labels : { ...request.labels, host: to };
  return { ...request, labels, exclude: [...request.exclude, room.host, ...apart.map(({ name }) => name)] };
}

/**
 * The parameters of its maker that name its host, with their new value: so the maker's undo goes where the guest is now.
 */
export function placeOf({ plan, ...state }: Message, from: string, to: string): Parameters {
  const parameters = parametersOf(state);
  const names = plan.steps.flatMap(step => (isGroup(step) || step.at === undefined ? [] : [step.at]));
  return Object.fromEntries(names.filter(name => parameters[name] === from).map(name => [name, to]));
}
