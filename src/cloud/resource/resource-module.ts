import { z } from 'zod';
import type { Parameters } from '../../message/message.ts';
import { defineModule, type ModuleDefinition, type TransactionalCall } from '../../step/define-module.ts';
import type { Tx } from '../../store/tx.ts';
import { endWait } from '../preempt/preempt.ts';
import { HostWish, type PolicyOf } from './host-wish.ts';
import type { Scheduler } from './scheduler.ts';
import { selectHost, selectHosts } from './select-host.ts';
import {
  markUse,
  readyVm,
  recordOwnVms,
  recordVm,
  releaseNames,
  unmarkUse,
  unrecordVm,
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
          await endWait(call.tx, call);
          await releaseNames(call.tx, call);
          await scheduler.release(call.tx, call);
        },
        together: calls => selectHosts(calls, scheduler, policyOf),
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
          await recordVm(call.tx, name, call.msgid, known(facts, call.tx));
          return {};
        },
        together: recordMany,
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
          const { detail } = await readyVm(call.tx, name, call.msgid);
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

type Recording = { readonly input: { readonly name: string }; readonly call: TransactionalCall };

async function recordMany(calls: readonly Recording[]) {
  const { tx } = calls[0]!.call;
  const wanted = calls.map(({ input: { name, ...facts }, call }) => ({
    name,
    msgid: call.msgid,
    facts: known(facts, tx),
  }));
  return (await recordOwnVms(tx, wanted)).map(isRecorded => (isRecorded ? {} : null));
}

/** The facts that are given, and when. */
const known = (facts: Record<string, unknown>, tx: Tx): Parameters =>
  Object.fromEntries(
    Object.entries({ ...facts, updated: tx.now }).filter(([, fact]) => fact != null),
  ) as Parameters;
