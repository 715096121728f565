import { isGroup } from '../../message/message.ts';
import type { Choice, PlacementRecord } from '../../placement/choice.ts';
import { recordWinner } from '../../placement/explain.ts';
import type { Fleet, SelectOptions } from '../../placement/fleet.ts';
import type { PlacementRequest } from '../../placement/request.ts';
import type { TransactionalCall } from '../../step/define-module.ts';
import { Retryable, Terminal } from '../../step/step-errors.ts';
import type { StoreTx } from '../../store/store.ts';
import { allocationAt, type Holder, takenKeys } from '../allocations.ts';
import { endWait, hostsInMaking, inWords, makeRoom } from '../preempt/preempt.ts';
import type { Victim } from '../preempt/standing.ts';
import { assertQuota, refusals } from '../quota/accounts.ts';
import { NO_USE, type Use } from '../quota/use.ts';
import { claimKey } from './claim-detail.ts';
import { giveBack } from './claim-hosts.ts';
import { type HostWish, type PolicyOf, requestFor } from './host-wish.ts';
import { type PlacementWish, recordOf, type Scheduler } from './scheduler.ts';
import { VM_NAME, vmExists } from './vm-record.ts';

/** How soon it is looked again whether room has been made. */
const ROOM_MS = 250;
const KEPT_SHOWN = 3;

/** What `resource select_host` gives. */
export interface Selected {
  readonly host: string;
  readonly name: string;
  readonly gpus?: number[];
}

/**
 * Chooses a host, claims it and the VM's name. Errors: Terminal COAX_STEP_INPUT, COAX_QUOTA_EXCEEDED,
 * COAX_VM_EXISTS, COAX_NO_VALID_HOST; Retryable
 * COAX_PREEMPTING while room is being made, COAX_NO_VALID_HOST when others were faster every time.
 */
export async function selectHost(
  input: HostWish,
  call: TransactionalCall,
  scheduler: Scheduler,
  policyOf: PolicyOf,
): Promise<Selected> {
  const { tx } = call;
  const name = nameOf(input, call);
  if (!VM_NAME.test(name)) {
    throw new Terminal(
      `${JSON.stringify(name)} cannot name a vm: small letters, digits and dashes, 63 at most, as in web-1`,
      { code: 'COAX_STEP_INPUT' },
    );
  }
  const asked = requestFor(input, policyOf);
  const apart = asked.preemptible ? await hostsInMaking(tx) : [];
  const request = apart.length === 0 ? asked : { ...asked, exclude: [...asked.exclude, ...apart] };
  await assertQuota(tx, { msgid: call.msgid, use: useOfVm(request) });
  let fleet = await scheduler.feed.fleet(tx);
  // What is in memory may be old, and "none" is for good.
  if (fleet.select(request) === null) fleet = await scheduler.feed.exactly(tx);
  const record = recordOf(fleet, request);
  const wish = { holder: call, request, vm: name, beside: recordAt(input, name, () => fleet) };
  const [placement] = await scheduler.place(tx, [wish]);
  if (placement?.kind !== 'placed') {
    const other = await allocationAt(tx, 'vm', name);
    if (placement?.kind === 'refused' || other) throw vmExists(name, other);
    throw await waitForRoom(call, scheduler, request);
  }
  const { choice, lost } = placement;
  const won = record.host === choice.host && lost === 0 ? record : recordWinner(record, choice.host, lost);
  const victims = call.attempt > 1 ? await endWait(tx, call) : [];
  call.detail(victims.length === 0 ? won : { ...won, ...preempted(won.reason, victims) });
  return outputOf(choice, name);
}

/**
 * The same for many, few statements however many they are; null for those that need more: a name that is taken, no host, room
 * that must be made, a preemptible VM.
 */
export async function selectHosts(
  calls: readonly { readonly input: HostWish; readonly call: TransactionalCall }[],
  scheduler: Scheduler,
  policyOf: PolicyOf,
): Promise<(Selected | null)[]> {
  const { tx } = calls[0]!.call;
  const plain = calls.map(({ input, call }) => plainWish(input, call, policyOf));
  // A name of a message's own is hardly ever taken; where it is, the claim finds out.
  const names = plain.flatMap(wish => (wish?.contended ? wish.vm : []));
  const needs = calls.map(({ call }, at) => {
    const request = plain[at]?.request;
    return { msgid: call.msgid, use: request ? useOfVm(request) : NO_USE };
  });
  // All that is to be read goes out together; the fleet is then known when a host is chosen.
  const [over, taken] = await Promise.all([
    refusals(tx, needs),
    takenKeys(tx, 'vm', names),
    scheduler.feed.fleet(tx),
  ]);
  const wishes = plain.map((wish, at) => (over[at] === null ? wish : null));
  // What was found in the store, and each name that comes once more here, is left out.
  const open = wishes.map(wish => (wish === null || taken.has(wish.vm) || !taken.add(wish.vm) ? null : wish));
  const placed = await scheduler.place(
    tx,
    open.filter(wish => wish !== null),
  );
  let at = 0;
  const answers = open.map(wish => (wish === null ? null : { wish, placement: placed[at++]! }));
  // Another transaction took the name in between.
  const refused = answers.flatMap(each =>
    each?.placement.kind === 'refused' ? [claimKey(each.wish.holder)] : [],
  );
  if (refused.length > 0) await giveBack(tx, refused);
  return answers.map((each, index) => {
    if (each?.placement.kind !== 'placed') return null;
    const { choice, lost } = each.placement;
    const record = each.wish.seen!;
    calls[index]!.call.detail(
      record.host === choice.host && lost === 0 ? record : recordWinner(record, choice.host, lost),
    );
    return outputOf(choice, each.wish.vm);
  });
}

/** A wish that is placed in one go, with the record of its choice; null for any other. */
function plainWish(
  input: HostWish,
  call: TransactionalCall,
  policyOf: PolicyOf,
): (PlacementWish & { seen: PlacementRecord | null }) | null {
  const vm = nameOf(input, call);
  // A later attempt may have waited for room.
  if (!VM_NAME.test(vm) || call.attempt > 1) return null;
  let request: PlacementRequest;
  try {
    request = requestFor(input, policyOf);
  } catch {
    return null;
  }
  if (request.preemptible) return null;
  let fleet: Fleet | null = null;
  const wish = {
    holder: call,
    request,
    vm,
    contended: Boolean(input.name),
    seen: null as PlacementRecord | null,
    look(now: Fleet, how: SelectOptions) {
      fleet = now;
      wish.seen = recordOf(now, request, how);
    },
    beside: recordAt(input, vm, () => fleet!),
  };
  return wish;
}

const useOfVm = ({ cpuMilli, memMib }: PlacementRequest): Use => ({ ...NO_USE, vms: 1, cpuMilli, memMib });

const nameOf = ({ name }: HostWish, { msgid }: Holder): string => name || `vm-${msgid}`;

const outputOf = ({ host, devices }: Choice, name: string) => ({
  host,
  name,
  ...(devices.length > 0 && { gpus: [...devices] }),
});

/** The VM's record, once its host is known. */
const recordAt =
  ({ cpu, mem }: HostWish, name: string, fleet: () => Fleet) =>
  ({ host }: { host: string }) => ({
    kind: 'vm',
    key: name,
    detail: { host, cpu, mem, simulated: fleet().host(host)?.simulated ?? false, state: 'building' },
  });

/** No host fits: what the step fails with for good, or waits with while preemptible VMs are removed for it. */
async function waitForRoom(
  call: TransactionalCall,
  scheduler: Scheduler,
  request: PlacementRequest,
): Promise<Terminal | Retryable> {
  const tx = call.tx as StoreTx;
  const none = (await scheduler.feed.fleet(tx)).explain(request);
  const step = (await tx.message(call.msgid))?.plan.steps[call.step];
  // Nobody is removed for a step that will not be tried again.
  const isLast = step === undefined || isGroup(step) || call.attempt >= step.retry.attempts;
  const making = isLast ? null : await makeRoom(tx, scheduler.feed, call, request);
  if (making?.kind === 'making') {
    const { host, victims } = making;
    const reason = `no host fits yet: host ${host} will, once it is rid of ${inWords(victims)}`;
    const detail = { ...none, reason, preempted: [...victims] };
    return new Retryable(reason, { code: 'COAX_PREEMPTING', retryAfterMs: ROOM_MS, detail, keep: true });
  }
  const kept = making?.kept ?? [];
  const more = kept.length > KEPT_SHOWN ? `; and ${kept.length - KEPT_SHOWN} more` : '';
  const why = kept.length === 0 ? '' : `; not preempted: ${kept.slice(0, KEPT_SHOWN).join('; ')}${more}`;
  const reason = `${none.reason}${why}`;
  return new Terminal(reason, { code: 'COAX_NO_VALID_HOST', detail: { ...none, reason } });
}

const preempted = (reason: string, victims: readonly Victim[]) => ({
  reason: `${reason}; room was made by removing ${inWords(victims)}`,
  preempted: [...victims],
});
