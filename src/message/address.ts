import { CoaxError } from '../errors/coax-error.ts';
import type { MessageState, Plan } from './message.ts';
import { isGroup } from './message.ts';
import { parametersOf, parametersToUndo } from './parameters.ts';

/** Address that every server serves itself: groups of branches. */
export const GROUP_ADDRESS = '@group';

/**
 * Whom the step at the cursor is addressed to: `module`, or `module@host` for a step with `at`. Null when the cursor
 * stands at neither end's step (done, rolled back).
 */
export function addressOf(state: MessageState, plan: Plan): string | null {
  const step = plan.steps[state.cursor];
  if (step === undefined) return null;
  if (isGroup(step)) return GROUP_ADDRESS;
  if (step.at === undefined) return step.module;
  // An undo goes where its step was done, whatever was changed since.
  const parameters = state.mode === 'normal' ? parametersOf(state) : parametersToUndo(state, state.cursor);
  const host = parameters[step.at];
  // A step whose host was never chosen did nothing anywhere, so any server may take it and find that out.
  return typeof host === 'string' && host !== '' ? `${step.module}@${host}` : step.module;
}

export function moduleOf(address: string): string {
  const at = address.indexOf('@');
  return at <= 0 ? address : address.slice(0, at);
}

export function hostOf(address: string): string | null {
  const at = address.indexOf('@');
  return at <= 0 ? null : address.slice(at + 1);
}

const HOST = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/;

export function assertHostName(name: string, where: string): void {
  if (!HOST.test(name)) {
    throw new CoaxError('COAX_MESSAGE_INVALID', `${JSON.stringify(name)} is not a host name`, {
      where,
      hint: 'Letters, digits, dots and dashes, as in web-3.rack2.',
    });
  }
}
