import { hash } from 'node:crypto';
import { CoaxError, textOf } from '../errors/coax-error.ts';
import { addressOf } from '../message/address.ts';
import { canonical } from '../message/canonical.ts';
import { DEFAULT_PROJECT } from '../message/limits.ts';
import type { Json, MessageState, Parameters, Plan } from '../message/message.ts';
import { isResting } from '../message/status.ts';
import { type AcceptDetail, acceptDetail } from './accepted.ts';
import { type Commit, commitId, decodeCommit, encodeCommit } from './commit.ts';
import type { Fault, FaultKind } from './fault.ts';
import { foldCommits } from './fold.ts';
import { isGroupAt, replayCommit } from './replay.ts';
import type { RawCommitRow, RawMessageRow } from './rows.ts';

/**
 * Verifies one message: every hash and link of its chain, every kept snapshot, and every column of its row against what
 * the chain leads to. Commits come in the order of `seq`; memory does not grow with their number.
 */
export class MessageCheck {
  readonly faults: Fault[] = [];
  readonly #row: RawMessageRow;
  readonly #plan: Plan | null;
  #first: { detail: AcceptDetail; commit: Commit } | null = null;
  #state: MessageState | null = null;
  /** The state after the commit that the row names as its newest. */
  #stateOfRow: MessageState | null = null;
  #parameters: Parameters = {};
  #lastId: string | null = null;
  #lastSeq = -1;
  /** Until something is wrong, what follows can be told from what came before. */
  #replays = true;

  /** `plan`: the plan that the row names; null when that is missing or damaged, which is a fault of its own. */
  constructor(row: RawMessageRow, plan: Plan | null) {
    this.#row = row;
    this.#plan = plan;
    if (plan === null) this.#replays = false;
  }

  /** The state after the commits so far; null when they do not verify. */
  get state(): MessageState | null {
    return this.#replays ? this.#state : null;
  }

  add(row: RawCommitRow): void {
    const commit = this.#readBody(row);
    this.#checkPlace(row, commit);
    this.#lastId = row.id;
    this.#lastSeq = row.seq;
    if (commit === null) {
      this.#replays = false;
      return;
    }
    this.#replay(commit);
    if (row.seq === this.#row.seq && this.#replays) this.#stateOfRow = this.#state;
    this.#checkSnapshot(row, commit);
  }

  /** After the last commit: compares the message row with what its chain leads to. */
  end(): readonly Fault[] {
    const row = this.#row;
    if (this.#lastId === null) {
      this.#fault('head', 'has no commits at all', { seq: 0 });
      return this.faults;
    }
    if (row.seq !== this.#lastSeq || row.head !== this.#lastId) {
      this.#fault(
        'head',
        `its newest commit should be ${short(row.head)} (seq ${row.seq}), but the chain ends with ${short(this.#lastId)} (seq ${this.#lastSeq})`,
        {
          seq: row.seq,
          id: row.head,
        },
      );
    }
    this.#checkOrigin();
    if (this.#stateOfRow !== null && this.#plan !== null) this.#checkState(this.#stateOfRow, this.#plan);
    return this.faults;
  }

  #fault(kind: FaultKind, reason: string, more: { seq?: number; id?: string } = {}): void {
    this.faults.push({ kind, msgid: this.#row.msgid, ...more, reason });
  }

  #readBody(row: RawCommitRow): Commit | null {
    const place = { seq: row.seq, id: row.id };
    const id = commitId(row.body);
    if (id !== row.id) {
      this.#fault('hash', `its body has the hash ${short(id)}`, place);
      return null;
    }
    const commit = readCommit(row);
    if (typeof commit === 'string') {
      this.#fault('body', commit, place);
      return null;
    }
    if (commit.msgid !== this.#row.msgid || row.msgid !== this.#row.msgid || commit.seq !== row.seq) {
      this.#fault('body', `it is commit ${commit.seq} of message ${commit.msgid} by its own account`, place);
      return null;
    }
    return commit;
  }

  #checkPlace(row: RawCommitRow, commit: Commit | null): void {
    const place = { seq: row.seq, id: row.id };
    const inOrder = row.seq === this.#lastSeq + 1;
    if (!inOrder) {
      this.#fault('order', `seq ${row.seq} comes after seq ${this.#lastSeq}`, place);
      this.#replays = false;
    }
    if (commit !== null && commit.parent !== this.#lastId) {
      this.#fault(
        'chain',
        `its parent is ${short(commit.parent)}, but ${short(this.#lastId)} comes before it`,
        place,
      );
      this.#replays = false;
    }
  }

  #replay(commit: Commit): void {
    try {
      if (this.#lastSeq === 0) this.#first = { detail: acceptDetail(commit), commit };
      if (this.#replays && this.#plan !== null) this.#state = replayCommit(this.#state, this.#plan, commit);
    } catch (error) {
      if (!(error instanceof CoaxError)) throw error;
      this.#fault('replay', error.reason, { seq: commit.seq, id: commit.id });
      this.#replays = false;
    }
  }

  #checkSnapshot(row: RawCommitRow, commit: Commit): void {
    // Once the chain is broken, nobody can tell what a snapshot should hold.
    if (!this.#replays && this.#plan !== null) return;
    this.#parameters = foldCommits(this.#parameters, [commit]);
    if (row.snapshot !== null && row.snapshot !== canonical(this.#parameters)) {
      this.#fault('snapshot', 'the kept parameters are not those that the commits lead to', {
        seq: row.seq,
        id: row.id,
      });
    }
  }

  #column(name: string, kept: unknown, right: unknown): void {
    if (kept !== right)
      this.#fault('column', `column ${name} is ${text(kept)}, but the chain leads to ${text(right)}`);
  }

  #json(name: string, kept: string | null, right: Json): void {
    let value: unknown;
    try {
      value = kept === null ? null : canonical(JSON.parse(kept));
    } catch {
      this.#fault('column', `column ${name} is not JSON`);
      return;
    }
    this.#column(name, value, right === null ? null : canonical(right));
  }

  /** Columns that the first commit fixes for good. */
  #checkOrigin(): void {
    if (this.#first === null) return;
    const { detail, commit } = this.#first;
    const row = this.#row;
    this.#column('flow', row.flow, detail.flow);
    this.#column('plan', row.planHash, detail.plan);
    this.#column('project', row.project, detail.project ?? DEFAULT_PROJECT);
    this.#column('parent_msgid', row.parentMsgid, detail.parent?.msgid ?? null);
    this.#column('parent_step', row.parentStep, detail.parent?.step ?? null);
    this.#column('parent_branch', row.parentBranch, detail.parent?.branch ?? null);
    this.#column('parent_generation', row.parentGeneration, detail.parent?.generation ?? null);
    this.#column('actor', row.actor, commit.actor);
    this.#column('created', row.created, commit.finished);
    this.#json('base', row.base, commit.set ?? {});
    this.#json('labels', row.labels, detail.labels ?? null);
    this.#json('trace', row.trace, detail.trace === undefined ? null : { ...detail.trace });
  }

  #checkState(state: MessageState, plan: Plan): void {
    const row = this.#row;
    this.#column('mode', row.mode, state.mode);
    this.#column('cursor', row.cursor, state.cursor);
    this.#column('attempt', row.attempt, state.attempt);
    const waits = (phase: string) => phase === 'open' || phase === 'waiting';
    if (!(isGroupAt(plan, state.cursor) && waits(row.phase) && waits(state.phase))) {
      this.#column('phase', row.phase, state.phase);
    }
    this.#column('cause', row.cause, state.cause);
    this.#json('error', row.error, state.error as Json);
    this.#json('undo_error', row.undoError, state.undoError as Json);
    this.#column('rewind_to', row.rewindTo, state.rewindTo);
    this.#column('floor', row.floor, state.floor);
    this.#json('trail', row.trail, state.trail as unknown as Json);
    this.#column('generation', row.generation, state.generation);
    this.#column('address', row.address, isResting(state.phase) ? null : addressOf(state, plan));
  }
}

/** Verifies a whole message at once; commits in the order of `seq`. */
export function fsckMessage(
  row: RawMessageRow,
  commits: Iterable<RawCommitRow>,
  planBody: string | null,
): readonly Fault[] {
  const plan = planBody === null ? 'is missing' : readPlan(row.planHash, planBody);
  const check = new MessageCheck(row, typeof plan === 'string' ? null : plan);
  if (typeof plan === 'string') {
    check.faults.push({ kind: 'plan', msgid: row.msgid, id: row.planHash, reason: `its plan ${plan}` });
  }
  for (const commit of commits) check.add(commit);
  return check.end();
}

/** The plan with that hash, or what is wrong with it. */
export function readPlan(planHash: string, body: string): Plan | string {
  if (hash('sha256', body, 'hex') !== planHash) return 'is not the one that its hash names';
  try {
    const plan = JSON.parse(body) as Plan;
    return Array.isArray(plan?.steps) ? plan : 'has no steps';
  } catch {
    return 'is not JSON';
  }
}

/** The commit in a row, or what is wrong with it. */
function readCommit(row: RawCommitRow): Commit | string {
  try {
    const commit = decodeCommit(row.id, row.body);
    return encodeCommit(commit) === row.body ? commit : 'the body is not the canonical JSON of a commit';
  } catch (error) {
    return `the body is not a commit: ${textOf(error)}`;
  }
}

/** The row may be damaged, so an id may be no text at all. */
function short(id: string | null): string {
  return id === null ? 'none' : String(id).slice(0, 12);
}

function text(value: unknown): string {
  const whole = typeof value === 'string' ? value : String(value);
  return whole.length > 80 ? `${whole.slice(0, 80)}…` : whole;
}
