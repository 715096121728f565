import { CoaxError } from '../../../errors/coax-error.ts';
import { addressOf, GROUP_ADDRESS } from '../../../message/address.ts';
import type { Message, MessageState } from '../../../message/message.ts';
import { sealedNames } from '../../../message/secret/sealed.ts';
import { isResting } from '../../../message/status.ts';
import { type Chained, chain, messageAfter, snapshotAfter } from '../../next-message.ts';
import { type MessageRow, toMessage } from '../../rows.ts';
import type { Claim, NextState, Write, WriteAnswer } from '../../store.ts';
import type { Engine } from '../engine.ts';
import type { Held } from '../held-messages.ts';

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

/** A row is behind by fewer commits than this, so that few need be read to bring it up to date. */
const BEHIND_MAX = 64;

/** Writes the next state of a claimed message, with its commits, if the claim is still current. */
export function writeClaimed(engine: Engine, write: Write, next: NextState, now: number): WriteAnswer {
  const { claim } = write;
  const before = claim.message;
  const held = engine.held.get(claim.msgid);
  if (held !== undefined && !isOf(held, claim)) return { kind: 'lost' };
  const chained = chain(before, next);
  const keep =
    !isResting(next.state.phase) && next.state.phase === 'open' && next.readyAt <= now && write.keep(next);
  const after = messageAfter(before, next, chained, now, keep);
  if (held !== undefined && mayBeBehind(held, before, after, chained)) {
    const { fence, rowSeq } = held;
    engine.held.set(claim.msgid, { fence, seq: after.seq, rowSeq, newer: after });
  } else {
    const rowSeq = held?.rowSeq ?? before.seq;
    if (run(engine, before, after, next.address, write, rowSeq) === 0) return refused(engine, claim);
    if (!keep) engine.held.delete(claim.msgid);
    else engine.held.set(claim.msgid, heldAs(after));
  }
  insertCommits(engine, before, chained, next.state);
  tell(engine, after, next.address, chained, keep);
  return { kind: 'written', message: after, claim: keep ? { ...claim, message: after } : null };
}

/** A claim whose message's row tells all. */
export function heldAs({ fence, seq }: Pick<Message, 'fence' | 'seq'>): Held {
  return { fence, seq, rowSeq: seq, newer: null };
}

function isOf(held: Held, { fence, message }: Claim): boolean {
  return held.fence === fence && held.seq === message.seq;
}

/**
 * Its worker goes on, and nothing has changed but what the ledger tells as well. Sealed values are looked for in the rows, to know
 * which keys are needed.
 */
function mayBeBehind(held: Held, before: Message, after: Message, chained: readonly Chained[]): boolean {
  if (after.worker === null || !isPlain(before, after) || after.seq - held.rowSeq >= BEHIND_MAX) return false;
  for (const { commit } of chained)
    if (commit.set !== undefined && sealedNames(commit.set).length > 0) return false;
  return true;
}

/** Writes the row of a message that a worker holds, if it is behind. */
export function settle(engine: Engine, msgid: number): void {
  const held = engine.held.get(msgid);
  if (!held?.newer) return;
  const { newer, fence, rowSeq } = held;
  runKeep(engine, newer, addressOf(newer, newer.plan), { fence, rowSeq, obeys: true });
  engine.held.set(msgid, heldAs(newer));
}

/** The same, and from here on the row alone counts: somebody else changes it. */
export function letGo(engine: Engine, msgid: number): void {
  settle(engine, msgid);
  engine.held.delete(msgid);
}

/** The same for all. */
export function settleAll(engine: Engine): void {
  for (const msgid of engine.held.behind()) settle(engine, msgid);
}

/** What the row must be for a write to be taken. */
interface Expected {
  readonly fence: number;
  readonly rowSeq: number;
  readonly obeys: boolean;
}

function run(
  engine: Engine,
  before: Message,
  after: Message,
  address: string | null,
  { claim: { fence }, obeys }: Write,
  rowSeq: number,
): number {
  if (isPlain(before, after)) {
    if (after.worker !== null) return runKeep(engine, after, address, { fence, rowSeq, obeys });
    if (after.phase === 'done' || after.phase === 'rolled_back')
      return runRest(engine, after, { fence, rowSeq, obeys });
  }
  return runMove(engine, after, address, { fence: before.fence, rowSeq, obeys });
}

/** Moves a message for a person or a group: no claim is needed, and one that exists ends. */
export function moveMessage(engine: Engine, before: Message, next: NextState, now: number): Message {
  letGo(engine, before.msgid);
  const chained = chain(before, next);
  const after = { ...messageAfter(before, next, chained, now, false), fence: before.fence + 1 };
  const expected = { fence: before.fence, rowSeq: before.seq, obeys: null };
  if (runMove(engine, after, next.address, expected) === 0) {
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

function runKeep(engine: Engine, after: Message, address: string | null, expected: Expected): number {
  const statement = engine.writer.prepare(KEEP);
  const { changes } = statement.run(
    after.cursor,
    after.attempt,
    JSON.stringify(after.trail),
    after.seq,
    after.head,
    address,
    after.updated,
    after.msgid,
    expected.fence,
    expected.rowSeq,
    Number(expected.obeys),
  );
  return Number(changes);
}

function runRest(engine: Engine, after: Message, expected: Expected): number {
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
    after.msgid,
    expected.fence,
    expected.rowSeq,
    Number(expected.obeys),
  );
  return Number(changes);
}

/** `obeys` null: no claim is needed. */
function runMove(
  engine: Engine,
  after: Message,
  address: string | null,
  { fence, rowSeq, obeys }: Omit<Expected, 'obeys'> & { readonly obeys: boolean | null },
): number {
  const statement = engine.writer.prepare(obeys === null ? MOVE : MOVE + HELD);
  // biome-ignore format: the order of the columns
  const values = [
    after.mode, after.cursor, after.attempt, after.phase, after.cause, text(after.error), text(after.undoError),
    after.rewindTo, JSON.stringify(after.trail), after.generation, after.seq, after.head, address, after.updated,
    after.readyAt, after.worker, Number(after.worker !== null), after.fence, after.begun, text(after.ask),
    after.msgid, fence, rowSeq,
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
  const held = engine.held.get(claim.msgid);
  if (held !== undefined) return isOf(held, claim);
  const statement = engine.writer.prepare(
    `SELECT 1 FROM messages WHERE msgid = ? AND fence = ? AND seq = ?${HELD}`,
  );
  return statement.get(claim.msgid, claim.fence, claim.message.seq, Number(obeys)) !== undefined;
}

/** Nothing was written: either somebody asked for something, or the claim is history. */
export function refused(engine: Engine, claim: Claim): WriteAnswer {
  letGo(engine, claim.msgid);
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
