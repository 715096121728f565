import { isCoaxError } from '../errors/coax-error.ts';
import { type Advanced, advance } from '../message/advance.ts';
import { sameJson } from '../message/canonical.ts';
import { isPartly } from '../message/group/tolerance.ts';
import {
  isGroup,
  type MessageState,
  type Parameters,
  type Partly,
  type Plan,
  type StepError,
} from '../message/message.ts';
import { type Outcome, RESOLUTIONS, type Resolution } from '../message/outcome.ts';
import { startState } from '../message/start-state.ts';
import { stepLabel } from '../message/step-label.ts';
import { acceptDetail, corrupt, isMembers } from './accepted.ts';
import type { Commit } from './commit.ts';

/**
 * The state that a chain of commits leads to: each commit is turned back into the outcome it records, and `advance`
 * does the rest. So a message row can be checked against its chain, or made anew from it.
 *
 * Errors: COAX_STORE_CORRUPT when a commit says anything else than `advance` does.
 */
export function replay(commits: Iterable<Commit>, plan: Plan): MessageState {
  let state: MessageState | null = null;
  for (const commit of commits) state = replayCommit(state, plan, commit);
  if (state === null) throw new TypeError('a chain has at least one commit');
  return state;
}

/** The state after one more commit; before the first commit the state is null. COAX_STORE_CORRUPT as for `replay`. */
export function replayCommit(before: MessageState | null, plan: Plan, commit: Commit): MessageState {
  if (before === null) return startOf(commit, plan);
  const state = wakeGroup(before, plan);
  if (commit.mode !== state.mode || commit.cursor !== state.cursor) {
    throw corrupt(
      commit,
      `was made in mode ${commit.mode} at step ${commit.cursor}, but the message stood in mode ${state.mode} at ${state.cursor}`,
    );
  }
  assertPlace(state, plan, commit);
  const advanced = advanceBy(state, plan, commit);
  if (advanced.outcome !== commit.outcome) {
    throw corrupt(commit, `says ${commit.outcome}, but ${advanced.outcome} follows`);
  }
  if (
    !sameJson(commit.set ?? {}, advanced.delta.set) ||
    !sameJson(commit.unset ?? [], advanced.delta.unset)
  ) {
    throw corrupt(commit, 'changes other parameters than follow from it');
  }
  return advanced.next;
}

function startOf(commit: Commit, plan: Plan): MessageState {
  const { fork } = acceptDetail(commit);
  const state = startState(plan, editOf(commit), fork?.cursor ?? 0);
  const inPlace =
    commit.mode === 'normal' && commit.step === null && commit.attempt === 0 && commit.unset === undefined;
  if (!inPlace || commit.cursor !== state.cursor) throw corrupt(commit, 'is not how a message begins');
  if (state.cursor !== 0 && (state.cursor < 0 || state.cursor >= plan.steps.length)) {
    throw corrupt(commit, 'begins at a step that the plan does not have');
  }
  return state;
}

/** Waiting for children and being woken by them are not worth a commit, so a group may stand at either. */
function wakeGroup(state: MessageState, plan: Plan): MessageState {
  return state.phase === 'waiting' && isGroupAt(plan, state.cursor) ? { ...state, phase: 'open' } : state;
}

export function isGroupAt(plan: Plan, cursor: number): boolean {
  const step = plan.steps[cursor];
  return step !== undefined && isGroup(step);
}

const BY_PERSONS: ReadonlySet<string> = new Set(['cancel', 'revert', 'amend', 'rewind', 'resolve']);

/** The step and the attempt that a commit names are the ones it was the message's turn for. */
function assertPlace(state: MessageState, plan: Plan, commit: Commit): void {
  const step = plan.steps[state.cursor];
  const label = step === undefined ? null : stepLabel(step);
  const byPerson = BY_PERSONS.has(commit.outcome);
  if (commit.step !== label && !(byPerson && commit.step === null)) {
    throw corrupt(commit, `names the step ${commit.step}, but ${label} stands at ${state.cursor}`);
  }
  const attempt = byPerson ? 0 : state.attempt + 1;
  if (commit.attempt !== attempt)
    throw corrupt(commit, `counts attempt ${commit.attempt}, but it was ${attempt}`);
}

function advanceBy(state: MessageState, plan: Plan, commit: Commit): Advanced {
  const outcome = outcomeOf(state, plan, commit);
  try {
    return advance(state, plan, outcome, { seq: commit.seq, random: 0 });
  } catch (error) {
    if (!isCoaxError(error)) throw error;
    throw corrupt(commit, `could not happen: ${error.reason}`);
  }
}

/** The outcome that a commit records. */
function outcomeOf(state: MessageState, plan: Plan, commit: Commit): Outcome {
  switch (commit.outcome) {
    case 'ok':
      return state.mode === 'normal'
        ? { kind: 'ok', set: editOf(commit), ...partlyOf(commit, plan) }
        : { kind: 'ok', set: {} };
    case 'retry':
      return { kind: 'retryable', error: errorOf(commit) };
    case 'failed':
    case 'parked':
      return { kind: 'terminal', error: errorOf(commit) };
    case 'split':
      return { kind: 'split', children: childrenOf(commit) };
    case 'cancel':
      return { kind: 'cancel', begun: begunOf(commit), reason: reasonOf(commit) };
    case 'revert':
      return { kind: 'revert', reason: reasonOf(commit) };
    case 'amend':
      return { kind: 'amend', edit: editOf(commit), reason: reasonOf(commit) };
    case 'rewind':
      return {
        kind: 'rewind',
        begun: begunOf(commit),
        to: rewindTarget(commit),
        edit: editOf(commit),
        reason: reasonOf(commit),
      };
    case 'resolve': {
      const how = howOf(commit);
      return { kind: 'resolve', how, edit: how === 'edit' ? editOf(commit) : {}, reason: reasonOf(commit) };
    }
    default:
      throw corrupt(commit, `cannot say ${String(commit.outcome)} here`);
  }
}

function editOf(commit: Commit): Parameters {
  const set: unknown = commit.set ?? {};
  if (!isMembers(set)) throw corrupt(commit, 'sets something that is not an object');
  return set;
}

/** A group that tolerates failures says how many there were; a step that is none may say anything in its detail. */
function partlyOf(commit: Commit, plan: Plan): { readonly partly?: Partly } {
  const step = plan.steps[commit.cursor];
  const partly = memberOf(commit, 'partly');
  if (step === undefined || !isGroup(step) || partly === undefined) return {};
  if (step.tolerate === undefined || !isPartly(partly))
    throw corrupt(commit, 'tolerates failures that its group does not');
  return { partly };
}

function errorOf(commit: Commit): StepError {
  const error: unknown = commit.error;
  if (!isMembers(error) || typeof error.code !== 'string' || typeof error.reason !== 'string') {
    throw corrupt(commit, 'lacks its error');
  }
  return commit.error as StepError;
}

function memberOf(commit: Commit, name: string): unknown {
  return isMembers(commit.detail) ? commit.detail[name] : undefined;
}

function reasonOf(commit: Commit): string {
  const reason = memberOf(commit, 'reason');
  if (typeof reason !== 'string') throw corrupt(commit, 'lacks its reason');
  return reason;
}

function begunOf(commit: Commit): boolean {
  const begun = memberOf(commit, 'begun');
  if (typeof begun !== 'boolean') throw corrupt(commit, 'does not say whether its step was begun');
  return begun;
}

function rewindTarget(commit: Commit): number {
  const to = memberOf(commit, 'to');
  if (typeof to !== 'number') throw corrupt(commit, 'does not say which step it goes back to');
  return to;
}

/** How a parked message was resolved, as its commit says. */
export function howOf(commit: Commit): Resolution {
  const how = memberOf(commit, 'how');
  if (!RESOLUTIONS.includes(how as Resolution)) throw corrupt(commit, 'does not say what was decided');
  return how as Resolution;
}

function childrenOf(commit: Commit): readonly number[] {
  const children = memberOf(commit, 'children');
  if (!Array.isArray(children) || !children.every(Number.isSafeInteger)) {
    throw corrupt(commit, 'does not name its children');
  }
  return children as readonly number[];
}
