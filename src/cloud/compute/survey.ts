import { z } from 'zod';
import { CoaxError } from '../../errors/coax-error.ts';
import type { StepCall } from '../../step/contract.ts';
import type { ActionDefinition } from '../../step/define-module.ts';
import type { Guest, Hypervisor } from './hypervisor.ts';

/** A guest as its host sees it. */
export const FoundGuest = z.object({
  uuid: z.string(),
  name: z.string(),
  state: z.enum(['running', 'stopped', 'paused']),
  /** The message that made it. */
  msgid: z.int(),
});
export type FoundGuest = z.output<typeof FoundGuest>;

/** What to do to one guest so that it is as it is recorded. */
export const Repair = z.object({
  action: z.enum(['adopt', 'start', 'restore', 'delete']),
  uuid: z.string(),
  name: z.string(),
  /** As recorded. */
  state: z.enum(['running', 'stopped']),
  cpu: z.number().min(0),
  mem: z.int().min(0),
  ip: z.string(),
  mac: z.string(),
  network: z.string(),
  msgid: z.int(),
});
export type Repair = z.output<typeof Repair>;

const SurveyOutput = z.object({ guests: z.array(FoundGuest) });
const RepairInput = z.object({ repair: Repair });
const RepairOutput = z.object({ fault: z.string() });
const Nothing = z.object({});

export interface SurveyParts {
  here(call: StepCall): Hypervisor;
  /** Makes the guest, or finds it, and waits until it can be used. */
  make(hypervisor: Hypervisor, repair: Repair, call: StepCall): Promise<Guest>;
  /** Boots the guest and waits until it can be used. */
  started(hypervisor: Hypervisor, uuid: string, call: StepCall): Promise<void>;
}

/** The steps by which a host's guests are compared with the record, and brought into line with it. */
export function surveyActions(parts: SurveyParts): {
  survey: ActionDefinition<typeof Nothing, typeof SurveyOutput>;
  repair: ActionDefinition<typeof RepairInput, typeof RepairOutput>;
} {
  return {
    survey: {
      about: 'Lists the guests that a host has.',
      input: Nothing,
      output: SurveyOutput,
      async do(_input, call) {
        const guests = await parts.here(call).list();
        return {
          guests: guests.map(({ uuid, name, state, spec }) => ({ uuid, name, state, msgid: spec.msgid })),
        };
      },
      undo() {},
    },
    repair: {
      about:
        'Starts, makes anew or deletes one guest, as `host compare` found. What fails is told, not rolled back: the others are repaired all the same.',
      input: RepairInput,
      output: RepairOutput,
      async do({ repair }, call) {
        try {
          await mend(parts, repair, call);
          return { fault: '' };
        } catch (error) {
          if (call.signal.aborted || !(error instanceof CoaxError)) throw error;
          return { fault: error.reason };
        }
      },
      undo() {},
    },
  };
}

async function mend(parts: SurveyParts, repair: Repair, call: StepCall): Promise<void> {
  const hypervisor = parts.here(call);
  switch (repair.action) {
    case 'adopt':
      return;
    case 'start':
      return await parts.started(hypervisor, repair.uuid, call);
    case 'restore':
      await parts.make(hypervisor, repair, call);
      if (repair.state === 'stopped') await hypervisor.stop(repair.uuid, 0, call.signal);
      return;
    case 'delete':
      return await hypervisor.destroy(repair.uuid, call.signal);
  }
}
