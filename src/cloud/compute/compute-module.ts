import { z } from 'zod';
import type { StepCall } from '../../step/contract.ts';
import { defineModule, type ModuleDefinition } from '../../step/define-module.ts';
import { Terminal } from '../../step/step-errors.ts';
import { guestCpus } from './guest-spec.ts';
import { guestUuid } from './guest-uuid.ts';
import type { Guest, GuestNetwork, Hypervisor } from './hypervisor.ts';
import { moveActions } from './move-actions.ts';
import { surveyActions } from './survey.ts';
import { waitForHttp } from './wait-for-http.ts';

/** How the guests of a network are wired: all but what is a guest's own. */
export type GuestWiring = Pick<GuestNetwork, 'mode' | 'prefix' | 'gateway' | 'httpPort'>;

export interface ComputeOptions {
  /** Random text that tells this installation from all others. */
  readonly installation: string;
  /** The hypervisor of a host that is served here, or null. */
  hypervisorAt(host: string): Hypervisor | null;
  /** The wiring of the network of that name; null if there is none. */
  wiringOf(network: string): Promise<GuestWiring | null>;
}

/** A guest gets so long to power down by itself before it is switched off. */
const STOP_GRACE_MS = 20_000;
/** Left of a step's timeout for saying what was waited for in vain. */
const SPARE_MS = 2000;

const NewGuest = z.object({
  cpu: z.number().min(0),
  mem: z.int().min(0),
  ip: z.string(),
  mac: z.string(),
  network: z.string().default('default'),
  name: z.string().nullish(),
});
const ExistingGuest = z.object({ uuid: z.string(), was: z.string().default('running') });
const GuestState = z.object({ state: z.string() });

/**
 * Module `compute`: guests on a host; its steps are addressed `at` one. Everything finds a guest by its uuid, so all of
 * it may be repeated by another worker. A guest counts as made or started when its page answers.
 */
export function computeModule(options: ComputeOptions): ModuleDefinition {
  const parts = partsOf(options);
  const { here, started, findHere } = parts;
  return defineModule({
    name: 'compute',
    about: 'Guests on a host.',
    actions: {
      ...surveyActions(parts),
      ...moveActions(parts),
      create_vm: {
        about: 'Starts a guest and waits until its page answers.',
        input: NewGuest,
        output: z.object({ uuid: z.string(), url: z.string() }),
        async do(input, call) {
          return await createVm(input, call, here(call), options);
        },
        async undo(_input, _output, call) {
          if (call.host === null) return;
          await here(call).destroy(guestUuid(options.installation, call.key), call.signal);
        },
      },
      stop_vm: {
        about: 'Powers a guest down; its files stay.',
        input: ExistingGuest,
        output: GuestState,
        async do({ uuid }, call) {
          const graceMs = Math.min(STOP_GRACE_MS, call.timeoutMs / 2);
          return { state: (await here(call).stop(uuid, graceMs, call.signal)).state };
        },
        async undo({ uuid, was }, _output, call) {
          if (was === 'stopped') return;
          const hypervisor = await findHere(uuid, call);
          if (hypervisor) await started(hypervisor, uuid, call);
        },
      },
      start_vm: {
        about: 'Boots a stopped guest and waits until its page answers.',
        input: ExistingGuest,
        output: GuestState,
        async do({ uuid }, call) {
          await started(here(call), uuid, call);
          return { state: 'running' };
        },
        async undo({ uuid, was }, _output, call) {
          if (was !== 'stopped') return;
          const graceMs = Math.min(STOP_GRACE_MS, call.timeoutMs / 2);
          await (await findHere(uuid, call))?.stop(uuid, graceMs, call.signal);
        },
      },
      reboot_vm: {
        about:
          'Resets a guest and waits until its page answers. Undoing leaves it as it is: it runs, as before.',
        input: ExistingGuest,
        output: GuestState,
        async do({ uuid }, call) {
          const hypervisor = here(call);
          await untilUsable(hypervisor, await hypervisor.reboot(uuid, call.signal), call);
          return { state: 'running' };
        },
        undo() {},
      },
    },
  });
}

/** What the actions share. */
function partsOf(options: ComputeOptions) {
  const here = (call: StepCall): Hypervisor => hypervisorOf(call, options);
  return {
    here,
    make: (hypervisor: Hypervisor, spec: KnownGuest, call: StepCall): Promise<Guest> =>
      makeGuest(spec, call, hypervisor, options),
    async started(hypervisor: Hypervisor, uuid: string, call: StepCall): Promise<void> {
      await untilUsable(hypervisor, await hypervisor.start(uuid, call.signal), call);
    },
    /** An undo for a guest that is gone, or for a step that no host ever got, has nothing to do. */
    async findHere(uuid: string, call: StepCall): Promise<Hypervisor | null> {
      const hypervisor = call.host === null ? null : here(call);
      return hypervisor && (await hypervisor.find(uuid)) ? hypervisor : null;
    },
  };
}

function hypervisorOf(call: StepCall, { hypervisorAt }: ComputeOptions): Hypervisor {
  const hypervisor = call.host === null ? null : hypervisorAt(call.host);
  if (hypervisor) return hypervisor;
  throw new Terminal(
    call.host === null
      ? 'no host: the step needs `at: host`, and a step before it that sets `host`'
      : `host ${call.host} is not served here`,
    { code: 'COAX_STEP_INPUT' },
  );
}

async function createVm(
  input: z.output<typeof NewGuest>,
  call: StepCall,
  hypervisor: Hypervisor,
  options: ComputeOptions,
): Promise<{ uuid: string; url: string }> {
  const uuid = guestUuid(options.installation, call.key);
  const name = input.name || `vm-${call.msgid}`;
  const guest = await makeGuest({ ...input, uuid, name, msgid: call.msgid }, call, hypervisor, options);
  call.detail({
    hypervisor: hypervisor.kind,
    accelerator: hypervisor.accelerator,
    simulated: hypervisor.kind === 'simulated',
    pid: guest.pid,
  });
  return { uuid, url: guest.url };
}

/** All that a guest is made from. */
export type KnownGuest = Omit<z.output<typeof NewGuest>, 'name'> & {
  readonly uuid: string;
  readonly name: string;
  readonly msgid: number;
};

async function makeGuest(
  spec: KnownGuest,
  call: StepCall,
  hypervisor: Hypervisor,
  { wiringOf }: ComputeOptions,
): Promise<Guest> {
  const { uuid, name, cpu, mem, ip, mac, msgid } = spec;
  const wiring = await wiringOf(spec.network);
  if (!wiring)
    throw new Terminal(`there is no network ${JSON.stringify(spec.network)}`, { code: 'COAX_NOT_FOUND' });
  const network = { ...wiring, ip, mac };
  const guest = await hypervisor.create(
    { uuid, name, cpu: guestCpus(cpu), memMib: mem, network, msgid },
    call.signal,
  );
  await untilUsable(hypervisor, guest, call);
  return guest;
}

/** Simulated guests have no page. */
async function untilUsable(hypervisor: Hypervisor, guest: Guest, call: StepCall): Promise<void> {
  if (hypervisor.kind === 'simulated') return;
  await waitForHttp(guest, Math.max(1000, call.timeoutMs - SPARE_MS), call.signal);
}
