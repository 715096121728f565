import { z } from 'zod';
import { isGroup, type Parameters } from '../../message/message.ts';
import { recordWinner } from '../../placement/explain.ts';
import type { PlacementRequest } from '../../placement/request.ts';
import { defineModule, type ModuleDefinition, type TransactionalCall } from '../../step/define-module.ts';
import { Retryable, Terminal } from '../../step/step-errors.ts';
import type { StoreTx } from '../../store/store.ts';
import { allocationAt } from '../allocations.ts';
import { endWait, hostsInMaking, inWords, makeRoom } from '../preempt/preempt.ts';
import type { Victim } from '../preempt/standing.ts';
import { HostWish, type PolicyOf, requestFor } from './host-wish.ts';
import { recordOf, type Scheduler } from './scheduler.ts';
import {
  markUse,
  readyVm,
  recordVm,
  releaseNames,
  unmarkUse,
  unrecordVm,
  VM_NAME,
  vmExists,
} from './vm-record.ts';

const text = z.string().nullish();
/** How soon it is looked again whether room has been made. */
const ROOM_MS = 250;
const KEPT_SHOWN = 3;

/**
 * Module `resource`: where a VM goes and what is recorded of it. All transactional, so a crash leaves either the
 * message moved on and the claim made, or neither. `select_host` claims the VM's name too: it is the first step, so
 * a name that is taken is refused before anything is built.
 */
export function resourceModule(scheduler: Scheduler, policyOf: PolicyOf): ModuleDefinition {
  return defineModule({
    name: 'resource',
    about: 'Hosts, their capacity, and the record of VMs.',
    actions: {
      select_host: {
        about: 'Chooses a host for a VM; claims what it needs of it, and the name.',
        transactional: true,
        input: HostWish,
        output: z.object({ host: z.string(), name: z.string(), gpus: z.array(z.int()).optional() }),
        async do(input, call) {
          return await selectHost(input, call, scheduler, policyOf);
        },
        async undo(_input, _output, call) {
          await endWait(call.tx, call);
          await releaseNames(call.tx, call);
          await scheduler.release(call.tx, call);
        },
      },
      update_info: {
        about: 'Records a VM as ready, or as it now is.',
        transactional: true,
        input: z.object({
          name: z.string(),
          uuid: text,
          ip: text,
          mac: text,
          network: text,
          url: text,
          state: z.enum(['running', 'stopped']).default('running'),
        }),
        output: z.object({}),
        async do({ name, ...facts }, call) {
          const known = Object.entries({ ...facts, updated: call.tx.now }).filter(([, fact]) => fact != null);
          await recordVm(call.tx, name, call.msgid, Object.fromEntries(known) as Parameters);
          return {};
        },
        async undo({ name }, _output, call) {
          await unrecordVm(call.tx, name, call.msgid);
        },
      },
      use_vm: {
        about: 'Finds a VM by its name, for a message that works on it.',
        transactional: true,
        input: z.object({ name: z.string() }),
        output: z.object({ host: z.string(), uuid: z.string(), ip: z.string(), was: z.string() }),
        async do({ name }, call) {
          const { detail } = await readyVm(call.tx, name);
          await markUse(call.tx, name, call);
          return {
            host: String(detail.host),
            uuid: String(detail.uuid),
            ip: String(detail.ip),
            was: String(detail.state),
          };
        },
        async undo(_input, _output, call) {
          await unmarkUse(call.tx, call);
        },
      },
    },
  });
}

async function selectHost(
  input: HostWish,
  call: TransactionalCall,
  scheduler: Scheduler,
  policyOf: PolicyOf,
): Promise<{ host: string; name: string; gpus?: number[] }> {
  const { tx } = call;
  const name = input.name || `vm-${call.msgid}`;
  if (!VM_NAME.test(name)) {
    throw new Terminal(
      `${JSON.stringify(name)} cannot name a vm: small letters, digits and dashes, 63 at most, as in web-1`,
      { code: 'COAX_STEP_INPUT' },
    );
  }
  const asked = requestFor(input, policyOf);
  const apart = asked.preemptible ? await hostsInMaking(tx) : [];
  const request = apart.length === 0 ? asked : { ...asked, exclude: [...asked.exclude, ...apart] };
  let fleet = await scheduler.feed.fleet(tx);
  // What is in memory may be old, and "none" is for good.
  if (fleet.select(request) === null) fleet = await scheduler.feed.exactly(tx);
  const record = recordOf(fleet, request);
  const beside = (host: string) => ({
    kind: 'vm',
    key: name,
    detail: {
      host,
      cpu: input.cpu,
      mem: input.mem,
      simulated: fleet.host(host)?.simulated ?? false,
      state: 'building',
    },
  });
  const wish = { holder: call, request, vm: name, beside: ({ host }: { host: string }) => beside(host) };
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
  return {
    host: choice.host,
    name,
    ...(choice.devices.length > 0 && { gpus: [...choice.devices] }),
  };
}

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
