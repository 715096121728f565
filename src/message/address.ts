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

/** The host of an address `module@host`; null of a module alone. */
export function hostOf(address: string): string | null {
  const at = address.indexOf('@');
  return at <= 0 ? null : address.slice(at + 1);
}
