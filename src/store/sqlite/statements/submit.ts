import { CoaxError } from '../../../errors/coax-error.ts';
import { type CommitBody, commitId, encodeCommit } from '../../../ledger/commit.ts';
import { addressOf } from '../../../message/address.ts';
import { canonical } from '../../../message/canonical.ts';
import type { Message } from '../../../message/message.ts';
import { startState } from '../../../message/start-state.ts';
import type { Accepted, Submission } from '../../store.ts';
import type { Engine } from '../engine.ts';

const INSERT = `INSERT INTO messages (msgid, flow, plan, mode, cursor, attempt, phase, floor, base, trail, seq, head,
  address, ready_at, fence, begun, parent_msgid, parent_step, parent_branch, parent_generation, actor, created, updated)
  VALUES (?, ?, ?, 'normal', ?, 0, ?, ?, ?, '[]', 0, ?, ?, ?, 0, 0, ?, ?, ?, ?, ?, ?, ?)`;

export const INSERT_COMMIT = 'INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?)';

/** Accepts messages: a row and a first commit for each. Runs inside a transaction. */
export function submit(engine: Engine, batch: readonly Submission[], now: number): Accepted[] {
  return batch.map(submission => submitOne(engine, submission, now));
}

function submitOne(engine: Engine, submission: Submission, now: number): Accepted {
  const { plan, idempotencyKey } = submission;
  const base = submission.fork?.state.base ?? submission.parameters;
  const planHash = engine.keepPlan(plan);
  const baseText = canonical(base);
  if (idempotencyKey !== undefined) {
    const known = seenBefore(engine, idempotencyKey, requestHash(submission, planHash, baseText));
    if (known !== null) return known;
  }
  const msgid = engine.nextMsgid();
  const state = submission.fork?.state ?? startState(plan, base);
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
      ...(submission.parent && { parent: { ...submission.parent } }),
      ...(submission.fork && { fork: { from: submission.fork.from, cursor: state.cursor } }),
    },
    worker: null,
    code: null,
    actor: submission.actor,
    started: now,
    finished: now,
  };
  const encoded = encodeCommit(body);
  const head = commitId(encoded);
  const address = addressOf(state, plan);
  const parent = submission.parent;
  engine.writer
    .prepare(INSERT)
    .run(
      msgid, submission.flow, planHash, state.cursor, state.phase, state.floor, baseText, head, address, now,
      parent?.msgid ?? null, parent?.step ?? null, parent?.branch ?? null, parent?.generation ?? null,
      submission.actor, now, now,
    ); // biome-ignore format: the order of the columns
  engine.writer.prepare(INSERT_COMMIT).run(engine.ids.nextPos(), msgid, 0, head, encoded, null);
  if (idempotencyKey !== undefined) {
    engine.writer.run(
      'INSERT INTO idempotency VALUES (?, ?, ?)',
      idempotencyKey,
      msgid,
      requestHash(submission, planHash, baseText),
    );
  }
  const message: Message = {
    ...state,
    msgid, flow: submission.flow, plan, planHash, seq: 0, head, readyAt: now, worker: null, leaseUntil: null,
    fence: 0, begun: 0, ask: null, parent: parent ?? null, actor: submission.actor, created: now, updated: now,
  }; // biome-ignore format: short members
  engine.note(message, [{ ...body, id: head }]);
  if (address !== null) engine.ready.push(address);
  return { msgid, head, created: true };
}

function requestHash(submission: Submission, planHash: string, baseText: string): string {
  // The plan's hash covers code hashes, which may differ on a repeat: the flow's name stands for the plan where there is one.
  return commitId(
    `${submission.flow}\n${submission.flow === '' ? planHash : ''}\n${baseText}\n${submission.fork?.from ?? ''}`,
  );
}

function seenBefore(engine: Engine, key: string, request: string): Accepted | null {
  const row = engine.writer.get<{ msgid: number; request: string }>(
    'SELECT msgid, request FROM idempotency WHERE key = ?',
    key,
  );
  if (row === undefined) return null;
  if (row.request !== request) {
    throw new CoaxError(
      'COAX_IDEMPOTENCY_CONFLICT',
      `the key ${JSON.stringify(key)} belongs to message ${row.msgid}, which was another request`,
    );
  }
  const first = engine.writer.get<{ id: string }>(
    'SELECT id FROM commits WHERE msgid = ? AND seq = 0',
    row.msgid,
  );
  return { msgid: row.msgid, head: first?.id ?? '', created: false };
}
