import { z } from 'zod';
import { claimOf, type Fleet } from '../../placement/fleet.ts';
import { defineModule, type ModuleDefinition } from '../../step/define-module.ts';
import { Terminal } from '../../step/step-errors.ts';
import type { StoreTx } from '../../store/store.ts';
import { allocationOf } from '../allocations.ts';
import { hostNamed, setState } from '../hosts/host-state.ts';
import type { Scheduler } from '../resource/scheduler.ts';
import { cloudTables, type HostState } from '../schema.ts';
import { movableVm, requestElsewhere } from './movable.ts';
import { storeTx } from './move-module.ts';

const host = z.string().min(1);
const Stuck = z.object({ vm: z.string(), reason: z.string() });
type Stuck = z.output<typeof Stuck>;
const BeginInput = z.object({ host, reason: z.string().default(''), partial: z.boolean().default(false) });
const BeginOutput = z.object({
  vms: z.array(z.string()),
  stuck: z.array(Stuck),
  /** The host again: the moves of its VMs name it as the one that they can be brought back to. */
  drained: z.string(),
  was: z.string(),
});
const SHOWN_MAX = 5;

/** Module `drain`: whether a host takes VMs, and which of its VMs have to move. Transactional. */
export function drainModule(scheduler: Scheduler): ModuleDefinition {
  return defineModule({
    name: 'drain',
    about: 'Empties hosts, and fills them again.',
    actions: {
      begin: {
        about:
          'Lets a host take no more VMs, and lists those that move; with `partial` although some cannot.',
        transactional: true,
        input: BeginInput,
        output: BeginOutput,
        async do(input, call) {
          return await begin(storeTx(call), input, scheduler);
        },
        async undo({ host: name }, _output, { tx }) {
          const { state, reason } = await hostNamed(tx, name);
          const back = state === 'draining' ? { state: 'up' as const, reason: '' } : { state, reason };
          await setState(tx, name, { ...back, drains: false });
        },
      },
      end: {
        about:
          'Lets a host take VMs again; with `back`, lists those that were moved away, so that they move back.',
        transactional: true,
        input: z.object({ host, back: z.boolean().default(false) }),
        output: z.object({ vms: z.array(z.string()), to: z.string() }),
        async do({ host: name, back }, call) {
          const { state, reason } = await hostNamed(call.tx, name);
          const next = state === 'draining' ? { state: 'up' as const, reason: '' } : { state, reason };
          await setState(call.tx, name, { ...next, drains: false });
          return { vms: back ? await drainedFrom(storeTx(call), name) : [], to: name };
        },
        async undo({ host: name }, _output, { tx }) {
          const { state, reason } = await hostNamed(tx, name);
          const next: HostState = state === 'up' ? 'draining' : state;
          await setState(tx, name, { state: next, reason, drains: true });
        },
      },
    },
  });
}

async function begin(
  tx: StoreTx,
  { host: name, reason, partial }: z.output<typeof BeginInput>,
  scheduler: Scheduler,
): Promise<z.output<typeof BeginOutput>> {
  const was = await hostNamed(tx, name);
  const takes = was.state === 'up' || was.state === 'draining';
  const next = takes ? { state: 'draining' as const, reason } : { state: was.state, reason: was.reason };
  await setState(tx, name, { ...next, drains: true });
  const vms: string[] = [];
  const stuck: Stuck[] = [];
  // Each is placed as if those before it were there already.
  const fleet = (await scheduler.feed.exactly(tx)).branch();
  for (const vm of await vmsOn(tx, name)) {
    const why = await whyStuck(tx, vm, fleet);
    if (why === null) vms.push(vm);
    else stuck.push({ vm, reason: why });
  }
  if (stuck.length > 0 && !partial) throw cannotMove(name, stuck);
  return { vms, stuck, drained: name, was: was.state };
}

function cannotMove(host: string, stuck: readonly Stuck[]): Terminal {
  const shown = stuck.slice(0, SHOWN_MAX).map(({ vm, reason }) => `${vm}: ${reason}`);
  const more = stuck.length > SHOWN_MAX ? `; and ${stuck.length - SHOWN_MAX} more` : '';
  return new Terminal(
    `${stuck.length} of the VMs on ${host} cannot move (${shown.join('; ')}${more}): mend that, or give partial=true to move the others`,
    { code: 'COAX_HOST_STATE', detail: { stuck: [...stuck] } },
  );
}

/** Why that VM cannot move; null if it can, and then the fleet has it there. */
async function whyStuck(tx: StoreTx, vm: string, fleet: Fleet): Promise<string | null> {
  try {
    const request = await requestElsewhere(tx, await movableVm(tx, vm), null);
    const choice = fleet.select(request);
    if (choice === null) return fleet.explain(request).reason;
    fleet.hold(claimOf(request, choice, `move/${vm}`, ''));
    return null;
  } catch (error) {
    if (error instanceof Terminal) return error.message;
    throw error;
  }
}

async function vmsOn(tx: StoreTx, host: string): Promise<string[]> {
  return await namesOfVms(tx, 'host', host);
}

async function drainedFrom(tx: StoreTx, host: string): Promise<string[]> {
  return await namesOfVms(tx, 'drained_from', host);
}

async function namesOfVms(tx: StoreTx, fact: 'host' | 'drained_from', host: string): Promise<string[]> {
  const rows = await cloudTables(tx.db)
    .selectFrom('allocations')
    .selectAll()
    .where('kind', '=', 'vm')
    .where('detail', 'like', `%"${fact}":${JSON.stringify(host)}%`)
    .orderBy('key')
    .execute();
  return rows
    .map(allocationOf)
    .filter(({ detail }) => detail[fact] === host)
    .map(({ key }) => key);
}
