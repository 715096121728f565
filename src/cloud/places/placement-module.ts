import { z } from 'zod';
import { defineModule, type ModuleDefinition, type TransactionalCall } from '../../step/define-module.ts';
import { Terminal } from '../../step/step-errors.ts';
import type { Tx } from '../../store/tx.ts';
import { allocate, allocationAt, takeOut } from '../allocations.ts';
import { assertQuota } from '../quota/accounts.ts';
import { NO_USE } from '../quota/use.ts';
import { HostWish, type PolicyOf, requestFor } from '../resource/host-wish.ts';
import type { Scheduler } from '../resource/scheduler.ts';
import { claimName, releaseNames, VM_NAME } from '../resource/vm-record.ts';
import { cloudTables } from '../schema.ts';
import { claimPlaces, type Place } from './claim-places.ts';
import {
  handGangPlaceBack,
  handReservedPlacesBack,
  madeBy,
  takeGangPlace,
  takeReservedPlace,
} from './places.ts';

interface Tools {
  readonly scheduler: Scheduler;
  readonly policyOf: PolicyOf;
}

const PLACES_MAX = 1000;
const GangWish = HostWish.omit({ name: true }).extend({
  names: z.array(z.string().min(1)).min(1).max(PLACES_MAX),
});
const ReserveWish = HostWish.omit({ name: true }).extend({
  name: z.string().min(1),
  count: z.int().min(1).max(PLACES_MAX),
});
const ReservedWish = HostWish.extend({ reservation: z.string().min(1) });
const PlaceShape = z.object({ vm: z.string(), host: z.string() });
const Placed = z.object({ host: z.string(), name: z.string() });

/**
 * Module `placement`: room for several VMs at once, and room that is held for VMs to come. All transactional, so a crash leaves
 * either all of it claimed and the message moved on, or nothing.
 */
export function placementModule(scheduler: Scheduler, policyOf: PolicyOf): ModuleDefinition {
  const tools = { scheduler, policyOf };
  return defineModule({
    name: 'placement',
    about: 'Room for several VMs at once, and room that is held.',
    actions: {
      select_hosts: {
        about: 'Chooses hosts for a gang of VMs: claims room and names of all, or of none.',
        transactional: true,
        input: GangWish,
        output: z.object({ places: z.array(PlaceShape) }),
        do: (input, call) => selectHosts(input, call, tools),
        async undo(_input, _output, call) {
          await releaseNames(call.tx, call);
          await scheduler.release(call.tx, call);
        },
      },
      take_place: {
        about: 'A branch takes the place of its VM in the gang.',
        transactional: true,
        input: z.object({ place: PlaceShape }),
        output: Placed,
        async do({ place: { vm } }, call) {
          return { host: await takeGangPlace(call.tx, vm, call), name: vm };
        },
        async undo({ place: { vm } }, _output, call) {
          await handGangPlaceBack(call.tx, vm, call);
        },
      },
      reserve: {
        about: 'Holds room for VMs to come: all places, or none.',
        transactional: true,
        input: ReserveWish,
        output: z.object({ hosts: z.record(z.string(), z.int()) }),
        do: (input, call) => reserve(input, call, tools),
        async undo(_input, _output, call) {
          await takeOut(call.tx, 'reservation', call);
          await scheduler.release(call.tx, call);
        },
      },
      take_reserved: {
        about: 'Takes a place of a reservation for a VM, and claims its name.',
        transactional: true,
        input: ReservedWish,
        output: Placed,
        do: (input, call) => takeReserved(input, call),
        async undo(_input, _output, call) {
          await releaseNames(call.tx, call);
          const left = await handReservedPlacesBack(call.tx, call);
          scheduler.feed.release(call.tx, left);
        },
      },
    },
  });
}

async function selectHosts(
  { names, ...common }: z.output<typeof GangWish>,
  call: TransactionalCall,
  { scheduler, policyOf }: Tools,
): Promise<{ places: Place[] }> {
  for (const [at, name] of names.entries()) {
    mustName(name);
    if (names.indexOf(name) !== at) throw inputFault(`two vms are to be named ${name}`);
  }
  const request = requestFor(common, policyOf);
  const { cpu, mem } = common;
  const record = { cpu, mem, state: 'building', ...madeBy(call) };
  const wishes = names.map(vm => ({ vm, request, record }));
  return { places: await claimPlaces(call.tx, scheduler, call, wishes) };
}

async function reserve(
  { name, count, ...wish }: z.output<typeof ReserveWish>,
  call: TransactionalCall,
  { scheduler, policyOf }: Tools,
): Promise<{ hosts: Record<string, number> }> {
  mustName(name);
  const { cpu, mem } = wish;
  if (!(await allocate(call.tx, 'reservation', name, call, { cpu, mem, count }))) {
    const other = await allocationAt(call.tx, 'reservation', name);
    throw inputFault(`a reservation named ${name} exists; message ${other?.msgid} made it`);
  }
  const request = requestFor(wish, policyOf);
  const wishes = Array.from({ length: count }, () => ({ vm: '', request }));
  const hosts: Record<string, number> = {};
  for (const { host } of await claimPlaces(call.tx, scheduler, call, wishes))
    hosts[host] = (hosts[host] ?? 0) + 1;
  return { hosts };
}

async function takeReserved(
  { reservation, cpu, mem, name: asked }: z.output<typeof ReservedWish>,
  call: TransactionalCall,
): Promise<{ host: string; name: string }> {
  const name = asked || `vm-${call.msgid}`;
  mustName(name);
  const wish = { cpuMilli: Math.ceil(cpu * 1000), memMib: mem, vm: name };
  const host = await takeReservedPlace(call.tx, reservation, wish, call);
  if (host === null) {
    throw new Terminal(
      `reservation ${reservation} has no free place for cpu=${cpu} mem=${mem}; \`coax reservation show ${reservation}\` lists who has them`,
      { code: 'COAX_NO_VALID_HOST' },
    );
  }
  await assertQuota(call.tx, { msgid: call.msgid, use: { ...NO_USE, vms: 1 } });
  const simulated = await isSimulated(call.tx, host);
  await claimName(call.tx, name, call, { host, cpu, mem, simulated, state: 'building' });
  return { host, name };
}

async function isSimulated(tx: Tx, host: string): Promise<boolean> {
  const hosts = cloudTables(tx.db).selectFrom('hosts').select('simulated');
  return Number((await hosts.where('name', '=', host).executeTakeFirst())?.simulated) === 1;
}

function mustName(name: string): void {
  if (!VM_NAME.test(name)) {
    throw inputFault(
      `${JSON.stringify(name)} cannot name a vm: small letters, digits and dashes, 63 at most, as in web-1`,
    );
  }
}

const inputFault = (reason: string): Terminal => new Terminal(reason, { code: 'COAX_STEP_INPUT' });
