import { z } from 'zod';
import type { Parameters } from '../../message/message.ts';
import { recordWinner } from '../../placement/explain.ts';
import { defineModule, type ModuleDefinition, type TransactionalCall } from '../../step/define-module.ts';
import { Terminal } from '../../step/step-errors.ts';
import { allocationAt } from '../allocations.ts';
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
  const request = requestFor(input, policyOf);
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
    const none = (await scheduler.feed.fleet(tx)).explain(request);
    throw new Terminal(none.reason, { code: 'COAX_NO_VALID_HOST', detail: none });
  }
  const { choice, lost } = placement;
  call.detail(record.host === choice.host && lost === 0 ? record : recordWinner(record, choice.host, lost));
  return {
    host: choice.host,
    name,
    ...(choice.devices.length > 0 && { gpus: [...choice.devices] }),
  };
}
