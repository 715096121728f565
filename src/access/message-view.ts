import type { CommitView } from '../api/commit.ts';
import type { MessageLite, MessageView, PlanStepView, StepErrorView, StepState } from '../api/message.ts';
import type { Commit } from '../ledger/commit.ts';
import { isGroup, type Message, type Step, type StepError } from '../message/message.ts';
import { outputOf, parametersOf, partlyOf } from '../message/parameters.ts';
import { isResting, statusOf } from '../message/status.ts';
import { stepLabel } from '../message/step-label.ts';
import type { Catalogue } from '../step/contract.ts';
import type { Services } from './services.ts';

type Needs = Pick<Services, 'store' | 'catalogue' | 'simulated'>;

/** A message as the API shows it. A promise only where the store is asked: for the children of groups, and how far a way back leads. */
export function viewMessage(services: Needs, message: Message): MessageView | Promise<MessageView> {
  if (message.mode === 'rollback' || message.plan.steps.some(isGroup)) return viewLooked(services, message);
  return view(services, message, [], message.cursor);
}

async function viewLooked(services: Needs, message: Message): Promise<MessageView> {
  const hasGroups = message.plan.steps.some(isGroup);
  const children = hasGroups ? await services.store.children(message.msgid) : [];
  const reached = message.mode === 'rollback' ? await reachedStep(services, message) : message.cursor;
  return view(services, message, children, reached);
}

/** `reached`: the last step that was begun before the message turned back. */
function view(
  { store, catalogue, simulated }: Needs,
  message: Message,
  children: readonly Message[],
  reached: number,
): MessageView {
  const now = store.now();
  const { status, waitingFor } = statusOf(message, now);
  const { parent, ask } = message;
  const created = isoTime(message.created);
  return {
    msgid: message.msgid,
    flow: message.flow,
    project: message.project,
    status,
    waitingFor,
    mode: message.mode,
    cursor: message.cursor,
    cause: message.cause,
    rewindTo: message.rewindTo,
    parameters: parametersOf(message),
    steps: message.plan.steps.map((step, index) => viewStep(message, step, index, reached, catalogue)),
    attempt: message.attempt,
    notBefore: !isResting(message.phase) && message.readyAt > now ? isoTime(message.readyAt) : null,
    error: viewError(message.error),
    undoError: viewError(message.undoError),
    ask: ask && { kind: ask.kind, actor: ask.actor, reason: ask.reason },
    parent: parent && { msgid: parent.msgid, step: parent.step, branch: parent.branch },
    children: children.map(({ msgid }) => msgid),
    worker: message.leaseUntil !== null && message.leaseUntil > now ? message.worker : null,
    seq: message.seq,
    head: message.head,
    actor: message.actor,
    labels: { ...message.labels },
    traceparent: message.trace?.traceparent ?? null,
    created,
    updated: message.updated === message.created ? created : isoTime(message.updated),
    simulated,
  };
}

/** Commits of the walk back that are looked at; a longer walk shows its unreached steps as undone. */
const WALK_COMMITS = 200;

/** The last step that was begun before the message turned back: the walk back undoes every one, and starts there. */
async function reachedStep({ store }: Needs, message: Message): Promise<number> {
  let reached = message.cursor;
  const newest = await store.commits(message.msgid, { order: 'newest', limit: WALK_COMMITS });
  for (const commit of newest) {
    if (commit.mode === 'normal') return reached;
    reached = Math.max(reached, commit.cursor);
  }
  return message.plan.steps.length;
}

function viewStep(
  message: Message,
  step: Step,
  index: number,
  reached: number,
  catalogue: Catalogue,
): PlanStepView {
  const code = isGroup(step) ? null : (step.code ?? null);
  const codeNow = isGroup(step) ? null : (catalogue.find(step.module, step.action)?.code ?? null);
  return {
    index,
    step: stepLabel(step),
    state: stepState(message, index, reached),
    at: isGroup(step) ? null : (step.at ?? null),
    set: outputOf(message, index),
    partly: partlyOf(message, index),
    code,
    codeNow,
    codeChanged: code !== null && codeNow !== null && code !== codeNow,
  };
}

/** Where a step stands; `reached` is the last step that was begun before the message turned back. */
export function stepState(message: Message, index: number, reached: number): StepState {
  const { mode, cursor, floor } = message;
  // The steps before a fork's first were done by another message.
  if (index < floor) return 'done';
  if (mode === 'normal') return index < cursor ? 'done' : index === cursor ? 'current' : 'pending';
  if (index <= cursor) return index === cursor ? 'undoing' : 'done';
  return index <= reached ? 'undone' : 'pending';
}

/** A message without its plan and parameters. */
export function viewLite(message: Message, now: number): MessageLite {
  const step = message.plan.steps[message.cursor];
  return {
    msgid: message.msgid,
    flow: message.flow,
    project: message.project,
    ...statusOf(message, now),
    mode: message.mode,
    cursor: message.cursor,
    steps: message.plan.steps.length,
    step: step === undefined ? null : stepLabel(step),
    cause: message.cause,
    attempt: message.attempt,
    error: viewError(message.error),
    undoError: viewError(message.undoError),
    parent: message.parent?.msgid ?? null,
    worker: message.worker,
    labels: { ...message.labels },
    seq: message.seq,
    head: message.head,
    updated: isoTime(message.updated),
  };
}

/** A commit with whether the code that ran is what the plan had named. */
export function viewCommit(commit: Commit, plan: Message['plan']): CommitView {
  const step = commit.step === null ? undefined : plan.steps[commit.cursor];
  const planned = step === undefined || isGroup(step) ? undefined : step.code;
  const codeChanged = commit.code !== null && planned !== undefined && planned !== commit.code;
  // Only the types differ: a view's lists are not readonly.
  return { ...commit, codeChanged } as CommitView;
}

const viewError = (error: StepError | null): StepErrorView | null => error;

export const isoTime = (ms: number): string => new Date(ms).toISOString();
