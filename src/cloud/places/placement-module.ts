import { z } from 'zod';
import { endTime } from '../../message/carried/end-time.ts';
import { defineModule, type ModuleDefinition, type TransactionalCall } from '../../step/define-module.ts';
import { Terminal } from '../../step/step-errors.ts';
import type { Tx } from '../../store/tx.ts';
import { allocate, allocationAt, takeOut } from '../allocations.ts';
import { assertQuota } from '../quota/accounts.ts';
import { NO_USE } from '../quota/use.ts';
import { cpuMilliOf, HostWish, type PolicyOf, requestFor } from '../resource/host-wish.ts';
import type { Scheduler } from '../resource/scheduler.ts';
import { claimName, releaseNames, VM_NAME } from '../resource/vm-record.ts';
import { cloudTables } from '../schema.ts';
import { claimPlaces, type Place } from './claim-places.ts';
import {
  endReservation,
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
  until: z.string().default(''),
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
        output: z.object({
          hosts: z.record(z.string(), z.int()),
          ends: z.iso.datetime().optional().describe('when it ends by itself'),
        }),
        do: (input, call) => reserve(input, call, tools),
        async undo(_input, _output, call) {
          await takeOut(call.tx, 'reservation', call);
          await scheduler.release(call.tx, call);
        },
      },
      end_reservation: {
        about:
          'Gives back the free places of a reservation whose time is over, and its name. Others are left alone.',
        transactional: true,
        input: z.object({ reservation: z.string().min(1), message: z.int() }),
        output: z.object({ places: z.int().describe('given back') }),
        do: async ({ reservation, message }, { tx }) =>
          givenBack(tx, scheduler, await endReservation(tx, reservation, message)),
        // Its time is over all the same.
        async undo() {},
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
  { name, count, until, ...wish }: z.output<typeof ReserveWish>,
  call: TransactionalCall,
  { scheduler, policyOf }: Tools,
): Promise<{ hosts: Record<string, number>; ends?: string }> {
  mustName(name);
  const { cpu, mem } = wish;
  const ends = until === '' ? null : mustEnd(until, call.tx.now);
  const record = { cpu, mem, count, ...(ends !== null && { until: ends }) };
  if (!(await allocate(call.tx, 'reservation', name, call, record))) {
    const other = await allocationAt(call.tx, 'reservation', name);
    throw inputFault(`a reservation named ${name} exists; message ${other?.msgid} made it`);
  }
  const request = requestFor(wish, policyOf);
  const wishes = Array.from({ length: count }, () => ({ vm: '', request }));
  const hosts: Record<string, number> = {};
  for (const { host } of await claimPlaces(call.tx, scheduler, call, wishes))
    hosts[host] = (hosts[host] ?? 0) + 1;
  return { hosts, ...(ends !== null && { ends: new Date(ends).toISOString() }) };
}

async function takeReserved(
  { reservation, cpu, mem, name: asked }: z.output<typeof ReservedWish>,
  call: TransactionalCall,
): Promise<{ host: string; name: string }> {
  const name = asked || `vm-${call.msgid}`;
  mustName(name);
  const wish = { cpuMilli: cpuMilliOf(cpu), memMib: mem, vm: name };
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

function givenBack(tx: Tx, { feed }: Scheduler, keys: readonly string[]): { places: number } {
  feed.release(tx, keys);
  return { places: keys.length };
}

async function isSimulated(tx: Tx, host: string): Promise<boolean> {
  const hosts = cloudTables(tx.db).selectFrom('hosts').select('simulated');
  return Number((await hosts.where('name', '=', host).executeTakeFirst())?.simulated) === 1;
}

function mustEnd(until: string, now: number): number {
  const at = endTime(until, now);
  if (at === null) {
    throw inputFault(
      `until=${JSON.stringify(until)} is no time: write 2026-12-01T08:00:00Z, or a time from now on such as 2h or 7d`,
    );
  }
  if (at <= now) throw inputFault(`until=${until} is over already: it is ${new Date(now).toISOString()}`);
  return at;
}

function mustName(name: string): void {
  if (!VM_NAME.test(name)) {
    throw inputFault(
      `${JSON.stringify(name)} cannot name a vm: small letters, digits and dashes, 63 at most, as in web-1`,
    );
  }
}

const inputFault = (reason: string): Terminal => new Terminal(reason, { code: 'COAX_STEP_INPUT' });
