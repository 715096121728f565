import { CoaxError, invariant } from '../errors/coax-error.ts';
import { backoffMs, mayRetry } from './backoff.ts';
import type {
  MessageState,
  Parameters,
  Partly,
  Plan,
  RetryPolicy,
  StepError,
  TrailEntry,
} from './message.ts';
import { isGroup } from './message.ts';
import type { Outcome } from './outcome.ts';
import { type Delta, dropDelta, NO_DELTA, withoutUndefined } from './parameters.ts';
import { assertAllowed, type CommitOutcome } from './transitions.ts';

/** What comes in from outside, so that `advance` itself has no clock and no chance. */
export interface AdvanceInput {
  /** seq that the commit of this transition will have. */
  readonly seq: number;
  /** In [0, 1): spreads retries. */
  readonly random: number;
}

export interface Advanced {
  readonly next: MessageState;
  /** What the commit records; null when nothing happened that is worth one (`wait`). */
  readonly outcome: CommitOutcome | null;
  readonly delta: Delta;
  /** Not before so many milliseconds from now. */
  readonly delayMs: number;
}

/**
 * The whole state machine: a message's state and an outcome give the next state. Pure.
 *
 * Errors: COAX_MESSAGE_STATE when the pair is not in the table of transitions, COAX_MESSAGE_INVALID for a rewind to a
 * step that is not behind the cursor.
 */
export function advance(state: MessageState, plan: Plan, outcome: Outcome, input: AdvanceInput): Advanced {
  assertAllowed(state, outcome.kind);
  switch (outcome.kind) {
    case 'ok':
      return state.mode === 'normal'
        ? stepDone(state, plan, withoutUndefined(outcome.set), outcome.partly)
        : stepUndone(state, plan, 'ok');
    case 'retryable':
      return retry(state, plan, outcome.error, outcome.retryAfterMs ?? 0, input.random);
    case 'terminal':
      return state.mode === 'normal' ? turnBack(state, plan, outcome.error) : park(state, outcome.error);
    case 'split':
      return {
        ...same(state),
        next: { ...state, phase: 'waiting', generation: state.generation ?? input.seq },
        outcome: 'split',
      };
    case 'wait':
      return { ...same(state), next: { ...state, phase: 'waiting' } };
    case 'cancel':
      return cancel(state, plan, outcome.begun, outcome.reason);
    case 'revert':
      return revert(state, plan);
    case 'amend':
      return amend(state, outcome.edit);
    case 'rewind':
      return rewind(state, plan, outcome);
    case 'resolve':
      return resolve(state, plan, outcome);
  }
}

const same = (state: MessageState): Advanced => ({ next: state, outcome: null, delta: NO_DELTA, delayMs: 0 });

function stepDone(state: MessageState, plan: Plan, set: Parameters, partly: Partly | undefined): Advanced {
  const cursor = state.cursor + 1;
  const entry: TrailEntry =
    state.generation === null
      ? { step: state.cursor, set }
      : { step: state.cursor, set, generation: state.generation, ...(partly && { partly }) };
  const keep = state.generation !== null || hasMembers(set);
  // Member by member: the state may be a whole message, of which this is to be no copy.
  const next: MessageState = {
    mode: state.mode,
    cursor,
    attempt: 0,
    phase: cursor === plan.steps.length ? 'done' : 'open',
    cause: state.cause,
    error: state.error,
    undoError: state.undoError,
    rewindTo: state.rewindTo,
    floor: state.floor,
    base: state.base,
    trail: keep ? [...state.trail, entry] : state.trail,
    generation: null,
  };
  return { next, outcome: 'ok', delta: keep ? { set, unset: [] } : NO_DELTA, delayMs: 0 };
}

/** The cursor moves back past its step: to the start, to a rewind's target, or to the step before. */
function stepUndone(state: MessageState, plan: Plan, outcome: CommitOutcome): Advanced {
  const { trail, delta } = dropDelta(state, state.cursor);
  const walked = walkTo(
    { ...state, trail, attempt: 0, phase: 'open', undoError: null },
    plan,
    state.cursor - 1,
  );
  return { next: walked, outcome, delta, delayMs: 0 };
}

function walkTo(state: MessageState, plan: Plan, cursor: number): MessageState {
  if (state.rewindTo !== null && cursor < state.rewindTo) {
    return {
      ...state,
      mode: 'normal',
      cursor: state.rewindTo,
      trail: seenFrom(state.trail, state.rewindTo),
      rewindTo: null,
      cause: null,
      error: null,
      generation: null,
    };
  }
  if (cursor < state.floor) return { ...state, cursor: -1, phase: 'rolled_back', generation: null };
  return { ...state, cursor, generation: generationAt(state, plan, cursor) };
}

/** From that step on, the way forward sees every edit that was made for it. */
function seenFrom(trail: readonly TrailEntry[], step: number): readonly TrailEntry[] {
  const later = (entry: TrailEntry): boolean =>
    'edit' in entry && entry.from !== undefined && entry.from > step;
  return trail.some(later) ? trail.map(entry => (later(entry) ? { ...entry, from: step } : entry)) : trail;
}

/** Children of a group that was finished are found by the generation in its trail entry. */
function generationAt(state: MessageState, plan: Plan, cursor: number): number | null {
  const step = plan.steps[cursor];
  if (step === undefined || !isGroup(step)) return null;
  for (const entry of state.trail) {
    if ('step' in entry && entry.step === cursor) return entry.generation ?? null;
  }
  return null;
}

function policyAt(state: MessageState, plan: Plan): RetryPolicy | null {
  const step = plan.steps[state.cursor];
  invariant(step !== undefined, `the cursor ${state.cursor} points at no step`);
  return isGroup(step) ? null : step.retry;
}

function retry(
  state: MessageState,
  plan: Plan,
  error: StepError,
  retryAfterMs: number,
  random: number,
): Advanced {
  const policy = policyAt(state, plan);
  const attempt = state.attempt + 1;
  if (policy === null || !mayRetry(policy, attempt, error)) {
    return state.mode === 'normal' ? turnBack(state, plan, error) : park(state, error);
  }
  const delayMs = backoffMs(policy, attempt, random, retryAfterMs);
  return { ...same(state), next: { ...state, attempt }, outcome: 'retry', delayMs };
}

/** The cursor stays, so that a step that failed half-way is undone too; one that never began is passed over. */
function turnBack(state: MessageState, plan: Plan, error: StepError): Advanced {
  const turned: MessageState = {
    ...state,
    mode: 'rollback',
    phase: 'open',
    attempt: 0,
    cause: 'failed',
    error,
  };
  const untouched = !hasBegun(state, error.begun !== false);
  return {
    ...same(state),
    next: untouched ? walkTo(turned, plan, state.cursor - 1) : turned,
    outcome: 'failed',
  };
}

function park(state: MessageState, error: StepError): Advanced {
  return { ...same(state), next: { ...state, phase: 'parked', undoError: error }, outcome: 'parked' };
}

function cancel(state: MessageState, plan: Plan, begun: boolean, reason: string): Advanced {
  if (state.mode === 'rollback' && state.rewindTo === null) {
    throw new CoaxError('COAX_MESSAGE_STATE', 'the message is on its way back already');
  }
  const error: StepError = { code: 'COAX_STEP_CANCELLED', reason: reason || 'cancelled' };
  const turned: MessageState = {
    ...state,
    mode: 'rollback',
    phase: 'open',
    attempt: 0,
    cause: 'cancelled',
    error,
    rewindTo: null,
  };
  const untouched = state.mode === 'normal' && !hasBegun(state, begun);
  return {
    ...same(state),
    next: untouched ? walkTo(turned, plan, state.cursor - 1) : turned,
    outcome: 'cancel',
  };
}

function revert(state: MessageState, plan: Plan): Advanced {
  const turned: MessageState = {
    ...state,
    mode: 'rollback',
    phase: 'open',
    attempt: 0,
    cause: 'reverted',
    error: null,
  };
  return { ...same(state), next: walkTo(turned, plan, plan.steps.length - 1), outcome: 'revert' };
}

function rewind(state: MessageState, plan: Plan, to: Extract<Outcome, { kind: 'rewind' }>): Advanced {
  const last = Math.min(state.cursor, plan.steps.length - 1);
  if (!Number.isInteger(to.to) || to.to < state.floor || to.to > last) {
    throw new CoaxError('COAX_MESSAGE_INVALID', `step ${to.to} is not behind the cursor`, {
      where: '/to',
      hint:
        last < state.floor ? 'No step can be rewound yet.' : `Give a step from ${state.floor} to ${last}.`,
    });
  }
  const { edited, delta } = edit(state, to.edit, plan.steps.length);
  const turned: MessageState = {
    ...edited,
    mode: 'rollback',
    phase: 'open',
    attempt: 0,
    rewindTo: to.to,
    undoError: null,
  };
  const untouched = state.mode === 'normal' && (state.phase === 'done' || !hasBegun(state, to.begun));
  const next = untouched ? walkTo(turned, plan, state.cursor - 1) : turned;
  return { next, outcome: 'rewind', delta, delayMs: 0 };
}

function resolve(state: MessageState, plan: Plan, decision: Extract<Outcome, { kind: 'resolve' }>): Advanced {
  if (decision.how === 'skip' || decision.how === 'undone') return stepUndone(state, plan, 'resolve');
  const { edited, delta } = edit(state, decision.how === 'edit' ? decision.edit : {});
  return {
    next: { ...edited, phase: 'open', attempt: 0, undoError: null },
    outcome: 'resolve',
    delta,
    delayMs: 0,
  };
}

/** Nothing is done or undone: later undos see the new values. */
function amend(state: MessageState, given: Parameters): Advanced {
  const { edited, delta } = edit(state, given);
  return { next: edited, outcome: 'amend', delta, delayMs: 0 };
}

/** A step that was tried, or a group that has children, must be undone, whatever the store remembers of claims. */
function hasBegun(state: MessageState, begun: boolean): boolean {
  return begun || state.attempt > 0 || state.generation !== null;
}

function edit(state: MessageState, given: Parameters, from?: number): { edited: MessageState; delta: Delta } {
  const changes = withoutUndefined(given);
  if (!hasMembers(changes)) return { edited: state, delta: NO_DELTA };
  return {
    edited: {
      ...state,
      trail: [...state.trail, from === undefined ? { edit: changes } : { edit: changes, from }],
    },
    delta: { set: changes, unset: [] },
  };
}

function hasMembers(object: object): boolean {
  for (const _ in object) return true;
  return false;
}
