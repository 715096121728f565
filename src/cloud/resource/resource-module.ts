import { randomInt } from 'node:crypto';
import { z } from 'zod';
import type { Parameters } from '../../message/message.ts';
import { defineModule, type ModuleDefinition, type TransactionalCall } from '../../step/define-module.ts';
import { Terminal } from '../../step/step-errors.ts';
import { allocationAt } from '../allocations.ts';
import { claimHost, releaseHost } from './capacity.ts';
import type { Random } from './choose-host.ts';
import { Inventory } from './inventory.ts';
import {
  claimName,
  markUse,
  nameIsFree,
  readyVm,
  recordVm,
  releaseNames,
  unmarkUse,
  unrecordVm,
  VM_NAME,
  vmExists,
} from './vm-record.ts';

const text = z.string().nullish();

const HostWish = z.object({
  cpu: z.int().min(1),
  mem: z.int().min(1),
  name: text,
  labels: z.record(z.string(), z.string()).nullish(),
  zone: text,
});

/**
 * Module `resource`: where a VM goes and what is recorded of it. All transactional, so a crash leaves either the
 * message moved on and the claim made, or neither. `select_host` claims the VM's name too: it is the first step, so
 * a name that is taken is refused before anything is built.
 */
export function resourceModule(
  inventory = new Inventory(),
  random: Random = bound => randomInt(bound),
): ModuleDefinition {
  return defineModule({
    name: 'resource',
    about: 'Hosts, their capacity, and the record of VMs.',
    actions: {
      select_host: {
        about: 'Chooses a host for a VM; claims CPUs, memory and the name there.',
        transactional: true,
        input: HostWish,
        output: z.object({ host: z.string(), name: z.string() }),
        async do(input, call) {
          return await selectHost(input, call, inventory, random);
        },
        async undo(_input, _output, call) {
          await releaseNames(call.tx, call);
          await releaseHost(call.tx, inventory, call);
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
  input: z.output<typeof HostWish>,
  call: TransactionalCall,
  inventory: Inventory,
  random: Random,
): Promise<{ host: string; name: string }> {
  const { tx } = call;
  const name = input.name || `vm-${call.msgid}`;
  if (!VM_NAME.test(name)) {
    throw new Terminal(
      `${JSON.stringify(name)} cannot name a vm: small letters, digits and dashes, 63 at most, as in web-1`,
      { code: 'COAX_STEP_INPUT' },
    );
  }
  if (!(await nameIsFree(tx, name))) throw vmExists(name, await allocationAt(tx, 'vm', name));
  const request = {
    cpu: input.cpu,
    memMib: input.mem,
    labels: input.labels ?? {},
    zone: input.zone ?? '',
  };
  const { host, record } = await claimHost(tx, inventory, call, request, random);
  await claimName(tx, name, call, {
    host: host.name,
    cpu: input.cpu,
    mem: input.mem,
    simulated: host.simulated,
    state: 'building',
  });
  call.detail(record);
  return { host: host.name, name };
}
