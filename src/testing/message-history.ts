import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { type Commit, type CommitBody, commitId, encodeCommit } from '../ledger/commit.ts';
import type { RawCommitRow, RawMessageRow } from '../ledger/rows.ts';
import { addressOf } from '../message/address.ts';
import { canonical } from '../message/canonical.ts';
import type { Json, MessageState, Parameters, ParentLink, Plan } from '../message/message.ts';
import type { Outcome } from '../message/outcome.ts';
import { parametersOf } from '../message/parameters.ts';
import { startState } from '../message/start-state.ts';
import { isResting } from '../message/status.ts';
import { stepLabel } from '../message/step-label.ts';
import {
  type Happened,
  MessageDriver,
  type Move,
  someMoves,
  someParameters,
  somePlans,
} from './random-message.ts';

/** A message with its whole chain, as a store would hold it. */
export interface History {
  readonly row: RawMessageRow;
  readonly rows: readonly RawCommitRow[];
  readonly commits: readonly Commit[];
  /** The state after each commit. */
  readonly states: readonly MessageState[];
  readonly state: MessageState;
  readonly plan: Plan;
  readonly planBody: string;
}

export interface HistoryStart {
  readonly msgid?: number;
  readonly flow?: string;
  /** Step of a fork's start. */
  readonly cursor?: number;
  readonly parent?: ParentLink;
  /** When the first commit was made; each later one takes `everyMs` more. */
  readonly created?: number;
  readonly everyMs?: number;
}

/** Lets these moves happen to a message and writes down what the ledger keeps of them. */
export function historyOf(
  plan: Plan,
  base: Parameters,
  moves: readonly Move[],
  start: HistoryStart = {},
): History {
  const msgid = start.msgid ?? 7;
  const flow = start.flow ?? 'create_vm';
  const planBody = canonical(plan);
  const planHash = createHash('sha256').update(planBody).digest('hex');
  const driver = new MessageDriver(plan, startState(plan, base, start.cursor ?? 0));
  const states = [driver.state];
  const detail: Json = {
    flow,
    plan: planHash,
    ...(start.parent && { parent: { ...start.parent } }),
    ...(start.cursor && { fork: { from: 'f'.repeat(64), cursor: start.cursor } }),
  };
  const created = start.created ?? 1_700_000_000_000;
  const bodies: Body[] = [
    {
      ...person(driver.state, 'ann'),
      outcome: 'accepted',
      set: base,
      detail,
      started: created,
      finished: created,
    },
  ];
  for (const move of moves) {
    const happened = driver.make(move);
    if (happened === null || happened.advanced.outcome === null) continue;
    const finished = created + bodies.length * (start.everyMs ?? 10);
    bodies.push({ ...bodyOf(happened, plan), started: finished - 5, finished });
    states.push(driver.state);
  }
  const { commits, rows } = chain(bodies.map((body, seq) => ({ ...body, msgid, seq })));
  const kept = rows.map((row, seq) =>
    seq % 3 === 2 ? { ...row, snapshot: canonical(parametersOf(states[seq]!)) } : row,
  );
  const row = rowOf(driver.state, plan, {
    msgid,
    flow,
    planHash,
    created,
    parent: start.parent ?? null,
    head: commits.at(-1)!,
  });
  return { row, rows: kept, commits, states, state: driver.state, plan, planBody };
}

export const someHistories: fc.Arbitrary<History> = fc
  .tuple(somePlans, someParameters, fc.array(someMoves(true), { maxLength: 30 }), fc.nat(4), fc.boolean())
  .map(([plan, base, moves, cursor, isChild]) =>
    historyOf(plan, base, moves, {
      cursor: cursor < plan.steps.length ? cursor : 0,
      ...(isChild && { parent: { msgid: 3, step: 1, branch: 0, generation: 2 } }),
    }),
  );

type Body = Omit<CommitBody, 'parent' | 'msgid' | 'seq'>;

/** Links bodies to a chain and hashes them, whatever they say. */
export function chain(bodies: readonly Omit<CommitBody, 'parent'>[]): {
  commits: Commit[];
  rows: RawCommitRow[];
} {
  const commits: Commit[] = [];
  const rows: RawCommitRow[] = [];
  for (const body of bodies) {
    const whole: CommitBody = { ...body, parent: commits.at(-1)?.id ?? null };
    const encoded = encodeCommit(whole);
    const id = commitId(encoded);
    commits.push({ ...whole, id });
    rows.push({ msgid: body.msgid, seq: body.seq, id, body: encoded, snapshot: null });
  }
  return { commits, rows };
}

const person = (state: MessageState, actor: string) => ({
  mode: state.mode,
  cursor: state.cursor,
  step: null,
  attempt: 0,
  worker: null,
  code: null,
  actor,
});

function bodyOf({ before, outcome, advanced }: Happened, plan: Plan): Omit<Body, 'started' | 'finished'> {
  const { set, unset } = advanced.delta;
  const change = {
    outcome: advanced.outcome!,
    ...(Object.keys(set).length > 0 && { set }),
    ...(unset.length > 0 && { unset }),
  };
  const detail = detailOf(outcome);
  const decided = ['cancel', 'revert', 'amend', 'rewind', 'resolve'].includes(outcome.kind);
  if (decided) return { ...person(before, 'bob'), ...change, ...(detail !== null && { detail }) };
  return {
    ...person(before, 'coax'),
    ...change,
    step: stepLabel(plan.steps[before.cursor]!),
    attempt: before.attempt + 1,
    worker: 'w1',
    code: 'c'.repeat(64),
    ...('error' in outcome && { error: outcome.error }),
    ...(detail !== null && { detail }),
  };
}

function detailOf(outcome: Outcome): Json {
  switch (outcome.kind) {
    case 'cancel':
      return { begun: outcome.begun, reason: outcome.reason };
    case 'revert':
    case 'amend':
      return { reason: outcome.reason };
    case 'rewind':
      return { begun: outcome.begun, to: outcome.to, reason: outcome.reason };
    case 'resolve':
      return { how: outcome.how, reason: outcome.reason };
    case 'split':
      return { children: outcome.children };
    case 'ok':
      return outcome.partly === undefined ? null : { partly: { ...outcome.partly } };
    default:
      return null;
  }
}

interface Identity {
  readonly msgid: number;
  readonly flow: string;
  readonly planHash: string;
  readonly created: number;
  readonly parent: ParentLink | null;
  readonly head: Commit;
}

const text = (value: object | null) => (value === null ? null : JSON.stringify(value));

function rowOf(state: MessageState, plan: Plan, of: Identity): RawMessageRow {
  return {
    msgid: of.msgid,
    flow: of.flow,
    planHash: of.planHash,
    mode: state.mode,
    cursor: state.cursor,
    attempt: state.attempt,
    phase: state.phase,
    cause: state.cause,
    error: text(state.error),
    undoError: text(state.undoError),
    rewindTo: state.rewindTo,
    floor: state.floor,
    base: JSON.stringify(state.base),
    trail: JSON.stringify(state.trail),
    generation: state.generation,
    seq: of.head.seq,
    head: of.head.id,
    address: isResting(state.phase) ? null : addressOf(state, plan),
    parentMsgid: of.parent?.msgid ?? null,
    parentStep: of.parent?.step ?? null,
    parentBranch: of.parent?.branch ?? null,
    parentGeneration: of.parent?.generation ?? null,
    project: 'default',
    labels: null,
    trace: null,
    actor: 'ann',
    created: of.created,
  };
}
