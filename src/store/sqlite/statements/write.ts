import { CoaxError } from '../../../errors/coax-error.ts';
import { GROUP_ADDRESS } from '../../../message/address.ts';
import type { Message, MessageState } from '../../../message/message.ts';
import { isResting } from '../../../message/status.ts';
import { type Chained, chain, messageAfter, snapshotAfter } from '../../next-message.ts';
import { type MessageRow, toMessage } from '../../rows.ts';
import type { Claim, NextState, Write, WriteAnswer } from '../../store.ts';
import type { Engine } from '../engine.ts';

// The common case, a step that is done and whose worker goes on with the next one. It leaves `phase` (open) and
// `generation` (null) as they are: naming a column that a partial index looks at doubles the time of the update.
const KEEP = `UPDATE messages SET cursor = ?, attempt = ?, trail = ?, seq = ?, head = ?, address = ?, begun = 1, updated = ?
  WHERE msgid = ? AND fence = ? AND seq = ? AND lease_until IS NOT NULL AND (ask IS NULL OR ?)`;

// The same for a message that comes to rest as it stood: done, or back at its start.
const REST = `UPDATE messages SET cursor = ?, attempt = 0, phase = ?, trail = ?, seq = ?, head = ?, address = NULL,
  updated = ?, ready_at = ?, worker = NULL, lease_until = NULL, begun = ?
  WHERE msgid = ? AND fence = ? AND seq = ? AND lease_until IS NOT NULL AND (ask IS NULL OR ?)`;

// A lease that goes on lasts as long as its holder has extended it to meanwhile.
const MOVE = `UPDATE messages SET mode = ?, cursor = ?, attempt = ?, phase = ?, cause = ?, error = ?, undo_error = ?,
  rewind_to = ?, trail = ?, generation = ?, seq = ?, head = ?, address = ?, updated = ?, ready_at = ?,
  worker = ?, lease_until = iif(?, lease_until, NULL), fence = ?, begun = ?, ask = ? WHERE msgid = ? AND fence = ? AND seq = ?`;

const HELD = ' AND lease_until IS NOT NULL AND (ask IS NULL OR ?)';

/** Writes the next state of a claimed message, with its commits, if the claim is still current. */
export function writeClaimed(engine: Engine, write: Write, next: NextState, now: number): WriteAnswer {
  const { claim } = write;
  const before = claim.message;
  const chained = chain(before, next);
  const keep =
    !isResting(next.state.phase) && next.state.phase === 'open' && next.readyAt <= now && write.keep(next);
  const after = messageAfter(before, next, chained, now, keep);
  const changed = run(engine, before, after, next.address, write);
  if (changed === 0) return refused(engine, claim);
  insertCommits(engine, before, chained, next.state);
  tell(engine, after, next.address, chained, keep);
  return { kind: 'written', message: after, claim: keep ? { ...claim, message: after } : null };
}

function run(engine: Engine, before: Message, after: Message, address: string | null, write: Write): number {
  if (isPlain(before, after)) {
    if (after.worker !== null) return runKeep(engine, after, address, write);
    if (after.phase === 'done' || after.phase === 'rolled_back') return runRest(engine, after, write);
  }
  return runMove(engine, before, after, address, write.obeys);
}

/** Moves a message for a person or a group: no claim is needed, and one that exists ends. */
export function moveMessage(engine: Engine, before: Message, next: NextState, now: number): Message {
  const chained = chain(before, next);
  const after = { ...messageAfter(before, next, chained, now, false), fence: before.fence + 1 };
  if (runMove(engine, before, after, next.address, null) === 0) {
    throw new CoaxError('COAX_LEASE_LOST', `message ${before.msgid} moved on meanwhile`);
  }
  insertCommits(engine, before, chained, next.state);
  tell(engine, after, next.address, chained, false);
  return after;
}

function isPlain(before: Message, state: MessageState): boolean {
  return (
    before.mode === state.mode &&
    before.cause === state.cause &&
    before.error === state.error &&
    before.undoError === state.undoError &&
    before.rewindTo === state.rewindTo &&
    before.generation === state.generation &&
    before.ask === null
  );
}

function runKeep(engine: Engine, after: Message, address: string | null, write: Write): number {
  const { claim } = write;
  const statement = engine.writer.prepare(KEEP);
  const { changes } = statement.run(
    after.cursor,
    after.attempt,
    JSON.stringify(after.trail),
    after.seq,
    after.head,
    address,
    after.updated,
    claim.msgid,
    claim.fence,
    claim.message.seq,
    Number(write.obeys),
  );
  return Number(changes);
}

function runRest(engine: Engine, after: Message, write: Write): number {
  const { claim } = write;
  const statement = engine.writer.prepare(REST);
  const { changes } = statement.run(
    after.cursor,
    after.phase,
    JSON.stringify(after.trail),
    after.seq,
    after.head,
    after.updated,
    after.readyAt,
    after.begun,
    claim.msgid,
    claim.fence,
    claim.message.seq,
    Number(write.obeys),
  );
  return Number(changes);
}

function runMove(
  engine: Engine,
  before: Message,
  after: Message,
  address: string | null,
  obeys: boolean | null,
): number {
  const statement = engine.writer.prepare(obeys === null ? MOVE : MOVE + HELD);
  // biome-ignore format: the order of the columns
  const values = [
    after.mode, after.cursor, after.attempt, after.phase, after.cause, text(after.error), text(after.undoError),
    after.rewindTo, JSON.stringify(after.trail), after.generation, after.seq, after.head, address, after.updated,
    after.readyAt, after.worker, Number(after.worker !== null), after.fence, after.begun, text(after.ask),
    before.msgid, before.fence, before.seq,
  ];
  return Number(
    (obeys === null ? statement.run(...values) : statement.run(...values, Number(obeys))).changes,
  );
}

function text(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** Would a write for that claim be taken? */
export function isCurrent(engine: Engine, { claim, obeys }: Write): boolean {
  const statement = engine.writer.prepare(
    `SELECT 1 FROM messages WHERE msgid = ? AND fence = ? AND seq = ?${HELD}`,
  );
  return statement.get(claim.msgid, claim.fence, claim.message.seq, Number(obeys)) !== undefined;
}

/** Nothing was written: either somebody asked for something, or the claim is history. */
export function refused(engine: Engine, claim: Claim): WriteAnswer {
  const row = engine.writer.get<MessageRow>('SELECT * FROM messages WHERE msgid = ?', claim.msgid);
  const current =
    row !== undefined &&
    row.fence === claim.fence &&
    row.seq === claim.message.seq &&
    row.lease_until !== null;
  if (!current || row.ask === null) return { kind: 'lost' };
  return { kind: 'asked', claim: { ...claim, message: toMessage(row, engine.planOf) } };
}

function insertCommits(
  engine: Engine,
  before: Message,
  chained: readonly Chained[],
  state: MessageState,
): void {
  const snapshot = snapshotAfter(before, chained, state);
  const last = chained.length - 1;
  for (let index = 0; index <= last; index++) {
    const { commit, encoded } = chained[index] as Chained;
    engine.commits.add(commit, encoded, index === last ? snapshot : null);
  }
}

/** What the world may hear once the transaction is durable. */
function tell(
  engine: Engine,
  after: Message,
  address: string | null,
  chained: readonly Chained[],
  keep: boolean,
): void {
  engine.note(after, chained);
  if (!keep && address !== null && after.phase === 'open') engine.ready.push(address);
  if (after.parent !== null && isResting(after.phase)) wakeParent(engine, after.parent.msgid, after.updated);
}

/** A group looks at its children again whenever one of them comes to rest. */
function wakeParent(engine: Engine, msgid: number, now: number): void {
  const woken = engine.writer
    .prepare(`UPDATE messages SET phase = 'open', ready_at = ? WHERE msgid = ? AND phase = 'waiting'`)
    .run(now, msgid);
  if (Number(woken.changes) > 0) engine.ready.push(GROUP_ADDRESS);
}
