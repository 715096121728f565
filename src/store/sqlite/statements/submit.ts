import { addressOf } from '../../../message/address.ts';
import { canonical } from '../../../message/canonical.ts';
import { DEFAULT_PROJECT } from '../../../message/limits.ts';
import { baseOf, firstMessage, keptAbout, keptKey, keyConflict, requestHash } from '../../first-message.ts';
import { type MessageQuota, messagesLeft, minuteOf, tooManyMessages } from '../../projects/message-quota.ts';
import type { Accepted, Submission } from '../../store.ts';
import type { Engine } from '../engine.ts';
import { type AcceptedRow, canWait, firstCommitOf, insertAccepted } from './accepted.ts';

const INSERT = `INSERT INTO messages (msgid, flow, plan, mode, cursor, attempt, phase, floor, base, trail, seq, head,
  address, ready_at, fence, begun, parent_msgid, parent_step, parent_branch, parent_generation, project, actor, labels,
  trace, created, updated)
  VALUES (?, ?, ?, 'normal', ?, 0, ?, ?, ?, '[]', 0, ?, ?, ?, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** Projects remembered to have no bound at one time. */
const UNBOUNDED_MAX = 10_000;

/**
 * Accepts messages: a row and a first commit for each. Runs inside a transaction. `unbounded`: projects that have no bound of messages a
 * minute; those that are found to have none are added.
 */
export function submit(
  engine: Engine,
  batch: readonly Submission[],
  now: number,
  unbounded?: Set<string>,
): Accepted[] {
  return batch.map(submission => submitOne(engine, submission, now, unbounded));
}

function submitOne(
  engine: Engine,
  submission: Submission,
  now: number,
  unbounded: Set<string> | undefined,
): Accepted {
  const planHash = engine.keepPlan(submission.plan);
  const base = canonical(baseOf(submission));
  const idempotencyKey = keptKey(submission);
  const request = requestHash(submission, planHash, base);
  if (idempotencyKey !== undefined) {
    const known = seenBefore(engine, idempotencyKey, request);
    if (known !== null) return known;
  }
  if (submission.parent === undefined) {
    const project = submission.project ?? DEFAULT_PROJECT;
    if (unbounded?.has(project) !== true && !countMessage(engine, project, now) && unbounded !== undefined) {
      if (unbounded.size >= UNBOUNDED_MAX) unbounded.clear();
      unbounded.add(project);
    }
  }
  const first = firstMessage(submission, engine.nextMsgid(), planHash, now, base);
  const { message, commit } = first;
  const { msgid, head } = message;
  const address = addressOf(message, message.plan);
  const about = keptAbout(message);
  const row = { first, planHash, base, address, ...about };
  if (engine.acceptsOnly && canWait(first, base)) {
    insertAccepted(engine.writer, { ...row, pos: engine.ids.nextPos(commit.id) });
    engine.accepted += 1;
  } else insertMessage(engine, row);
  if (idempotencyKey !== undefined) {
    engine.writer.run('INSERT INTO idempotency VALUES (?, ?, ?)', idempotencyKey, msgid, request);
  }
  engine.note(message, [{ commit }]);
  if (address !== null) engine.ready.push(address);
  return { msgid, head, created: true, message };
}

function insertMessage(engine: Engine, { first, ...row }: Omit<AcceptedRow, 'pos'>): void {
  const { message, commit, encoded } = first;
  const { msgid, head, parent, created: now } = message;
  engine.writer
    .prepare(INSERT)
    .run(
      msgid, message.flow, row.planHash, message.cursor, message.phase, message.floor, row.base, head, row.address, now,
      parent?.msgid ?? null, parent?.step ?? null, parent?.branch ?? null, parent?.generation ?? null,
      message.project, message.actor, row.labels, row.trace, now, now,
    ); // biome-ignore format: the order of the columns
  for (const [name, value] of Object.entries(message.labels))
    engine.writer.run('INSERT INTO message_labels VALUES (?, ?, ?)', msgid, name, value);
  engine.commits.add(commit, encoded, null);
}

/** Counts it against the project's messages of this minute; false when these have no bound. Errors: COAX_QUOTA_EXCEEDED. */
function countMessage({ writer }: Engine, project: string, now: number): boolean {
  const quota = writer.get<MessageQuota>(
    `SELECT messages_per_minute AS per_minute, minute, messages FROM quotas
     WHERE project = ? AND messages_per_minute IS NOT NULL`,
    project,
  );
  if (quota === undefined) return false;
  const left = messagesLeft(quota, now);
  if (left < 1) throw tooManyMessages(project, quota.per_minute, now);
  writer.run(
    'UPDATE quotas SET minute = ?, messages = ? WHERE project = ?',
    minuteOf(now),
    quota.per_minute - left + 1,
    project,
  );
  return true;
}

function seenBefore(engine: Engine, key: string, request: string): Accepted | null {
  const row = engine.writer.get<{ msgid: number; request: string }>(
    'SELECT msgid, request FROM idempotency WHERE key = ?',
    key,
  );
  if (row === undefined) return null;
  if (row.request !== request) {
    throw keyConflict(key, row.msgid);
  }
  engine.commits.flush();
  const first = engine.writer.get<{ id: string }>(
    'SELECT id FROM commits WHERE msgid = ? AND seq = 0',
    row.msgid,
  );
  const head = first?.id ?? firstCommitOf(engine.writer, row.msgid) ?? '';
  return { msgid: row.msgid, head, created: false, message: null };
}
