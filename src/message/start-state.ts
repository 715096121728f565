import type { MessageState, Parameters, Plan } from './message.ts';

/**
 * The state of a message that was just accepted. `cursor` is above 0 for a fork only: the steps before it were done by
 * another message, and rolling this one back stops short of them.
 */
export function startState(plan: Plan, base: Parameters, cursor = 0): MessageState {
  return {
    mode: 'normal',
    cursor,
    attempt: 0,
    phase: cursor === plan.steps.length ? 'done' : 'open',
    cause: null,
    error: null,
    undoError: null,
    rewindTo: null,
    floor: cursor,
    base,
    trail: [],
    generation: null,
  };
}
