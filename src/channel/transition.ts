import { isCoaxError } from '../errors/coax-error.ts';
import { addressOf } from '../message/address.ts';
import { advance } from '../message/advance.ts';
import type { Ask, Json, Message, MessageState, Parameters } from '../message/message.ts';
import { isGroup } from '../message/message.ts';
import type { Outcome } from '../message/outcome.ts';
import { isResting } from '../message/status.ts';
import { stepLabel } from '../message/step-label.ts';
import type { NewCommit, NextState } from '../store/store.ts';

/** Who or what made a transition, for its commit. */
export interface Circumstances {
  readonly worker: string | null;
  readonly code: string | null;
  readonly actor: string;
  readonly started: number;
  readonly finished: number;
}

/** In [0, 1): spreads retries. Comes from outside so that a simulation can repeat itself. */
export type Random = () => number;

/** May the step at the cursor have done something? Then a walk back must undo it. */
export function hasBegun(message: Message): boolean {
  const step = message.plan.steps[message.cursor];
  return step !== undefined && isGroup(step) ? message.generation !== null : message.begun > 0;
}

type Failure = Extract<Outcome, { kind: 'retryable' | 'terminal' }>;

function isFailure(outcome: Outcome): outcome is Failure {
  return outcome.kind === 'retryable' || outcome.kind === 'terminal';
}

/** A worker knows that it did not begin the step; an earlier claim, of a worker that died, may have begun it all the same. */
function withDoubt(message: Message, outcome: Outcome): Outcome {
  if (!isFailure(outcome) || outcome.error.begun !== false || message.begun <= 1) return outcome;
  const { begun: _, ...error } = outcome.error;
  return { ...outcome, error };
}

/** The state alone: what `advance` copies at each transition should be no more than it needs. */
function stateOf(message: Message): MessageState {
  return {
    mode: message.mode,
    cursor: message.cursor,
    attempt: message.attempt,
    phase: message.phase,
    cause: message.cause,
    error: message.error,
    undoError: message.undoError,
    rewindTo: message.rewindTo,
    floor: message.floor,
    base: message.base,
    trail: message.trail,
    generation: message.generation,
  };
}

/** The next state of a message by one outcome, with its commit. */
export function transition(message: Message, outcome: Outcome, by: Circumstances, random: number): NextState {
  // A step that is done needs no copy: of all outcomes the one that comes by far the most often.
  const before = outcome.kind === 'ok' && message.mode === 'normal' ? message : stateOf(message);
  return build(message, before, NO_COMMITS, outcome, by, random);
}

const NO_COMMITS: readonly NewCommit[] = [];

/**
 * The same, and then what a person asked for while the step ran. A cancel that comes when the last step has just been
 * done reverts the message.
 */
export function transitionWithAsk(
  message: Message,
  given: Outcome,
  by: Circumstances,
  random: number,
): NextState {
  const { ask } = message;
  const outcome = withDoubt(message, given);
  // A step that ended without success because it was told to is not a failure of its own.
  if (ask !== null && message.mode === 'normal' && isFailure(outcome)) {
    const begun = outcome.error.begun !== false && hasBegun(message);
    return askTransition(message, ask, by.finished, random, begun);
  }
  const first = transition(message, outcome, by, random);
  if (ask === null) return first;
  if (first.state.phase !== 'parked') return obey(message, first, ask, by.finished, random);
  // A parked message takes no ask: so it was asked first, and then its undo failed.
  const asked = askTransition(message, ask, by.finished, random);
  return build(message, asked.state, asked.commits, outcome, by, random);
}

/** What a person asked for, when no step ran meanwhile. */
export function askTransition(
  message: Message,
  ask: Ask,
  now: number,
  random: number,
  begun = hasBegun(message),
): NextState {
  const unchanged = {
    state: stateOf(message),
    commits: [],
    address: addressOf(message, message.plan),
    readyAt: message.readyAt,
  };
  return obey(message, unchanged, ask, now, random, begun);
}

function obey(
  message: Message,
  first: NextState,
  ask: Ask,
  now: number,
  random: number,
  atCursor = hasBegun(message),
): NextState {
  const by = { worker: null, code: null, actor: ask.actor, started: now, finished: now };
  const { state } = first;
  const begun = state.cursor === message.cursor && state.mode === message.mode && atCursor;
  const outcome: Outcome =
    ask.kind === 'rewind'
      ? { kind: 'rewind', begun, to: ask.to, edit: ask.edit, reason: ask.reason }
      : state.phase === 'done'
        ? { kind: 'revert', reason: `cancelled: ${ask.reason}` }
        : { kind: 'cancel', begun, reason: ask.reason };
  try {
    return build(message, state, first.commits, outcome, by, random);
  } catch (error) {
    // The step itself turned the message back meanwhile: there is nothing left to ask for.
    if (isCoaxError(error, 'COAX_MESSAGE_STATE') || isCoaxError(error, 'COAX_MESSAGE_INVALID')) return first;
    throw error;
  }
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

function build(
  message: Message,
  before: MessageState,
  commits: readonly NewCommit[],
  outcome: Outcome,
  by: Circumstances,
  random: number,
): NextState {
  const { plan } = message;
  const seq = message.seq + commits.length + 1;
  const { next, outcome: word, delta, delayMs } = advance(before, plan, outcome, { seq, random });
  // A message that waits keeps its address, so that waking it is a change of phase alone.
  const address = isResting(next.phase) ? null : addressOf(next, plan);
  const readyAt = delayMs === 0 ? 0 : by.finished + delayMs;
  if (word === null) return { state: next, commits, address, readyAt };
  const step = plan.steps[before.cursor];
  const detail = detailOf(outcome);
  const commit: Mutable<NewCommit> = {
    mode: before.mode,
    cursor: before.cursor,
    step: step !== undefined && isOfStep(outcome) ? stepLabel(step) : null,
    attempt: isOfStep(outcome) ? before.attempt + 1 : 0,
    outcome: word,
    worker: by.worker,
    code: by.code,
    actor: by.actor,
    started: by.started,
    finished: by.finished,
  };
  if (hasMembers(delta.set)) commit.set = delta.set;
  if (delta.unset.length > 0) commit.unset = delta.unset;
  if ('error' in outcome) commit.error = outcome.error;
  if (outcome.kind === 'ok' && outcome.log !== undefined) commit.log = outcome.log;
  if (detail !== undefined) commit.detail = detail;
  return { state: next, commits: commits.length === 0 ? [commit] : [...commits, commit], address, readyAt };
}

function isOfStep(outcome: Outcome): boolean {
  return (
    outcome.kind === 'ok' ||
    outcome.kind === 'retryable' ||
    outcome.kind === 'terminal' ||
    outcome.kind === 'split'
  );
}

function detailOf(outcome: Outcome): Json | undefined {
  switch (outcome.kind) {
    case 'ok':
      return outcome.partly === undefined
        ? outcome.detail
        : { ...(outcome.detail as Parameters | undefined), partly: { ...outcome.partly } };
    case 'split':
      return { children: outcome.children };
    case 'cancel':
      return { begun: outcome.begun, reason: outcome.reason };
    case 'revert':
    case 'amend':
      return { reason: outcome.reason };
    case 'rewind':
      return { begun: outcome.begun, to: outcome.to, reason: outcome.reason };
    case 'resolve':
      return { how: outcome.how, reason: outcome.reason };
    default:
      return undefined;
  }
}

function hasMembers(object: object): boolean {
  for (const _ in object) return true;
  return false;
}
