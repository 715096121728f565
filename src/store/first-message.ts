import { CoaxError } from '../errors/coax-error.ts';
import { type Commit, type CommitBody, commitId, encodeCommit } from '../ledger/commit.ts';
import { canonical } from '../message/canonical.ts';
import { NO_LABELS } from '../message/carried/labels.ts';
import { DEFAULT_PROJECT } from '../message/limits.ts';
import type { Message, Parameters } from '../message/message.ts';
import { startState } from '../message/start-state.ts';
import type { Submission } from './store.ts';

/** A message as it is accepted, with its first commit and that commit's text. */
export interface FirstMessage {
  readonly message: Message;
  readonly commit: Commit;
  readonly encoded: string;
}

/** The parameters that a submission begins with. */
export function baseOf(submission: Submission): Parameters {
  return submission.fork?.state.base ?? submission.parameters;
}

/** What a submission becomes under that msgid. `baseText`: the canonical JSON of what it begins with, where that is known. */
export function firstMessage(
  submission: Submission,
  msgid: number,
  planHash: string,
  now: number,
  baseText?: string,
): FirstMessage {
  const { plan, project = DEFAULT_PROJECT, parent, fork, labels = NO_LABELS, trace = null } = submission;
  const base = baseOf(submission);
  const state = fork?.state ?? startState(plan, base);
  const body: CommitBody = {
    parent: null,
    msgid,
    seq: 0,
    mode: 'normal',
    cursor: state.cursor,
    step: null,
    attempt: 0,
    outcome: 'accepted',
    set: base,
    detail: {
      flow: submission.flow,
      plan: planHash,
      ...(project !== DEFAULT_PROJECT && { project }),
      ...(parent && { parent: { ...parent } }),
      ...(fork && { fork: { from: fork.from, cursor: state.cursor } }),
      ...(hasLabels(labels) && { labels }),
      ...(trace && { trace: { ...trace } }),
    },
    worker: null,
    code: null,
    actor: submission.actor,
    started: now,
    finished: now,
  };
  const encoded = encodeCommit(body, baseText);
  const head = commitId(encoded);
  const message: Message = {
    ...state,
    msgid, flow: submission.flow, plan, planHash, seq: 0, head, readyAt: now, worker: null, leaseUntil: null,
    fence: 0, begun: 0, ask: null, parent: parent ?? null, project, actor: submission.actor, labels, trace,
    created: now, updated: now,
  }; // biome-ignore format: short members
  return { message, commit: { ...body, id: head }, encoded };
}

function hasLabels(labels: Message['labels']): boolean {
  for (const _ in labels) return true;
  return false;
}

/** A message's labels and trace as they are kept in its row. */
export function keptAbout({ labels, trace }: Message): { labels: string | null; trace: string | null } {
  return {
    labels: hasLabels(labels) ? canonical(labels) : null,
    trace: trace === null ? null : canonical({ ...trace }),
  };
}

/**
 * Stands for the whole request under an idempotency key; empty without a key, since nothing is compared then. `base`: its
 * parameters' canonical JSON.
 */
export function requestHash(submission: Submission, planHash: string, base: string): string {
  if (submission.idempotencyKey === undefined) return '';
  // A flow's plan names code, which may differ on a repeat: the flow's name stands for such a plan.
  const plan = submission.planIsOwn ? planHash : '';
  const { labels = NO_LABELS } = submission;
  const labelled = hasLabels(labels) ? `\n${canonical(labels)}` : '';
  return commitId(`${submission.flow}\n${plan}\n${base}\n${submission.fork?.from ?? ''}${labelled}`);
}

const MARK = '\u0001';

/**
 * The idempotency key as it is kept: each project has keys of its own, so that nobody meets another's message by a key. Those
 * of `default` stay as they came, as before there were projects.
 */
export function keptKey({ project = DEFAULT_PROJECT, idempotencyKey: key }: Submission): string | undefined {
  if (key === undefined || (project === DEFAULT_PROJECT && !key.startsWith(MARK))) return key;
  return `${MARK}${project}${MARK}${key}`;
}

/** A key that was used for another request; `kept`: as it is kept. */
export function keyConflict(kept: string, msgid: number): CoaxError {
  const key = kept.startsWith(MARK) ? kept.slice(kept.indexOf(MARK, 1) + 1) : kept;
  return new CoaxError(
    'COAX_IDEMPOTENCY_CONFLICT',
    `the key ${JSON.stringify(key)} belongs to message ${msgid}, which was another request`,
  );
}
