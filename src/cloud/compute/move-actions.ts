import { z } from 'zod';
import type { StepCall } from '../../step/contract.ts';
import type { ActionDefinition } from '../../step/define-module.ts';
import type { Guest, Hypervisor } from './hypervisor.ts';

/** A VM that moves: all that a guest is made from, and how it was. */
const MovingGuest = z.object({
  uuid: z.string(),
  name: z.string(),
  was: z.enum(['running', 'stopped']),
  cpu: z.number().min(0),
  mem: z.int().min(0),
  ip: z.string(),
  mac: z.string(),
  network: z.string(),
  /** The message that made the VM. */
  maker: z.int(),
  /** Said by a person when a walk back finds the VM gone or moved on: then nothing is brought back. */
  gone: z.boolean().nullish(),
});
type MovingGuest = z.output<typeof MovingGuest>;
const PutUpOutput = z.object({ url: z.string() });
const Nothing = z.object({});

interface Spec extends Omit<MovingGuest, 'was' | 'maker' | 'gone'> {
  readonly msgid: number;
}

export interface MoveParts {
  here(call: StepCall): Hypervisor;
  /** Makes the guest, or finds it, and waits until it can be used. */
  make(hypervisor: Hypervisor, spec: Spec, call: StepCall): Promise<Guest>;
  started(hypervisor: Hypervisor, uuid: string, call: StepCall): Promise<void>;
  /** The hypervisor of the step's host if it has that guest. */
  findHere(uuid: string, call: StepCall): Promise<Hypervisor | null>;
}

const GRACE_MS = 20_000;

/** The steps of a move at the two hosts: down here, up there, and then nothing is left here. */
export function moveActions({ here, make, started, findHere }: MoveParts): {
  take_down: ActionDefinition<typeof MovingGuest, typeof Nothing>;
  put_up: ActionDefinition<typeof MovingGuest, typeof PutUpOutput>;
  delete_guest: ActionDefinition<typeof MovingGuest, typeof Nothing>;
} {
  const specOf = ({ was: _w, maker, gone: _g, ...spec }: MovingGuest): Spec => ({ ...spec, msgid: maker });
  const remake = async (guest: MovingGuest, call: StepCall): Promise<string> => {
    const hypervisor = here(call);
    const { url } = await make(hypervisor, specOf(guest), call);
    if (guest.was === 'stopped') await hypervisor.stop(guest.uuid, 0, call.signal);
    return url;
  };
  return {
    take_down: {
      about: 'Powers a guest down that is about to run on another host.',
      input: MovingGuest,
      output: Nothing,
      async do({ uuid }, call) {
        const hypervisor = await findHere(uuid, call);
        await hypervisor?.stop(uuid, Math.min(GRACE_MS, call.timeoutMs / 2), call.signal);
        return {};
      },
      async undo(guest, _output, call) {
        if (guest.gone || call.host === null) return;
        const hypervisor = await findHere(guest.uuid, call);
        if (!hypervisor) await remake(guest, call);
        else if (guest.was === 'running') await started(hypervisor, guest.uuid, call);
      },
    },
    put_up: {
      about: 'Makes a guest here that ran on another host, with the same name and address.',
      input: MovingGuest,
      output: PutUpOutput,
      async do(guest, call) {
        return { url: await remake(guest, call) };
      },
      async undo({ uuid, gone }, _output, call) {
        if (!gone && call.host !== null) await here(call).destroy(uuid, call.signal);
      },
    },
    delete_guest: {
      about:
        'Removes what is left of a guest that runs on another host now. Taking it down is undone, not this.',
      input: MovingGuest,
      output: Nothing,
      async do({ uuid }, call) {
        await here(call).destroy(uuid, call.signal);
        return {};
      },
      undo() {},
    },
  };
}
