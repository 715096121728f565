import { CoaxError } from '../../../errors/coax-error.ts';
import { GROUP_ADDRESS } from '../../../message/address.ts';
import type { Message } from '../../../message/message.ts';
import { isResting } from '../../../message/status.ts';
import { prefixNumber } from '../../id-prefix.ts';
import { type Chained, chain, messageAfter, snapshotAfter } from '../../next-message.ts';
import type { MessageRow } from '../../rows.ts';
import type { Claim, NextState, Write, WriteAnswer } from '../../store.ts';
import type { Engine } from '../engine.ts';
import { bigintArray, booleanArray, textArray } from '../link/binary-array.ts';
import type { Link } from '../link/link.ts';
import type { Notes } from '../notes.ts';
import { MESSAGE_COLUMNS } from './columns.ts';

/**
 * All transitions of a batch in one statement. Each row is fenced: it changes only while its fence and its head are those
 * that the writer saw, and nobody asked for something that the writer does not know of; `forced` is a person's move.
 *
 * Parents of messages that come to rest are locked first, before any row of the batch, as a group's look at its children
 * locks its parent first: so the look either sees the child at rest, or is woken by it. The newest commit of a message is
 * inserted after those before it, so that its position is the highest, too.
 */
const MOVES = `WITH parents AS MATERIALIZED (
  SELECT msgid, phase FROM messages WHERE msgid = ANY ($1::bigint[]) ORDER BY msgid FOR NO KEY UPDATE
), moved AS (
  UPDATE messages m SET mode = i.mode, cursor = i.cursor::integer, attempt = i.attempt::integer, phase = i.phase, cause = i.cause,
    error = i.error, undo_error = i.undo_error, rewind_to = i.rewind_to::integer, trail = i.trail, generation = i.generation,
    seq = i.seq::integer, head = i.head, address = i.address, updated = $2::bigint, ready_at = i.ready_at,
    worker = i.worker, lease_until = CASE WHEN i.keep THEN m.lease_until END, fence = i.fence, begun = i.begun::integer,
    ask = NULL
  FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::boolean[], $7::boolean[], $8::boolean[], $9::text[],
    $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bigint[], $17::text[],
    $18::bigint[], $19::bigint[], $20::text[], $21::text[], $22::bigint[], $23::text[], $24::bigint[], $25::bigint[],
    $26::bigint[], $27::text[], $28::text[])
    AS i (msgid, fence_before, seq_before, obeys, forced, keep, mode,
      cursor, attempt, phase, cause, error, undo_error, rewind_to, trail,
      generation, seq, head, address, ready_at, worker, fence, begun,
      prefix, body, snapshot)
  WHERE m.msgid = i.msgid AND m.fence = i.fence_before AND m.seq = i.seq_before
    AND (i.forced OR (m.lease_until IS NOT NULL AND (m.ask IS NULL OR i.obeys)))
    AND (SELECT count(*) FROM parents) >= 0
  RETURNING i.msgid, i.seq, i.prefix, i.head, i.body, i.snapshot
), woken AS (
  UPDATE messages m SET phase = 'open', ready_at = $2::bigint FROM parents p
  WHERE m.msgid = p.msgid AND p.phase = 'waiting' RETURNING 1
), earlier AS (
  INSERT INTO commits (msgid, seq, prefix, origin, id, body)
  SELECT e.msgid, e.seq::integer, e.prefix, $29::integer, e.id, e.body
  FROM unnest($30::bigint[], $31::bigint[], $32::bigint[], $33::text[], $34::text[]) AS e (msgid, seq, prefix, id, body)
  WHERE e.msgid IN (SELECT msgid FROM moved) RETURNING 1
), latest AS (
  INSERT INTO commits (msgid, seq, prefix, origin, id, body, snapshot)
  SELECT msgid, seq::integer, prefix, $29::integer, head, body, snapshot FROM moved
  WHERE body IS NOT NULL AND (SELECT count(*) FROM earlier) >= 0
)
`;
const WRITE = answering(MOVES, '$3', '(SELECT count(*) FROM woken)');
const WRITE_ALL = allOrNone(MOVES, 35, '(SELECT count(*) FROM woken)');

/**
 * The common cases: a step that is done and whose worker goes on with the next one, and the last step of a message that nobody
 * waits for. They change a third of the columns, and each column that is sent costs as much as the row itself.
 */
const shortMoves = (rest: string): string => `WITH moved AS (
  UPDATE messages m SET cursor = i.cursor::integer, attempt = i.attempt::integer, trail = i.trail, seq = m.seq + 1,
    head = i.head, address = i.address, updated = $1::bigint, ${rest}
  FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[], $9::text[],
    $10::bigint[], $11::text[], $12::text[])
    AS i (msgid, fence, seq_before, cursor, attempt, trail, head, address, prefix, body, snapshot)
  WHERE m.msgid = i.msgid AND m.fence = i.fence AND m.seq = i.seq_before AND m.lease_until IS NOT NULL AND m.ask IS NULL
  RETURNING i.msgid, m.seq, i.prefix, i.head, i.body, i.snapshot
), latest AS (
  INSERT INTO commits (msgid, seq, prefix, origin, id, body, snapshot)
  SELECT msgid, seq, prefix, $13::integer, head, body, snapshot FROM moved
)
`;
const KEPT_MOVES = shortMoves('begun = 1');
const WRITE_KEPT = answering(KEPT_MOVES, '$2', '0');
const WRITE_ALL_KEPT = allOrNone(KEPT_MOVES, 14, '0');
const WRITE_DONE = answering(
  shortMoves(`begun = 0, phase = 'done', ready_at = $1::bigint, worker = NULL, lease_until = NULL`),
  '$2',
  '0',
);

/** Ends a statement: one row says that all moved, or which. `msgids`: the value that has all of them. */
function answering(sql: string, msgids: string, woken: string): string {
  return `${sql}SELECT ${woken} AS woken, many,
    CASE WHEN many < cardinality(${msgids}::bigint[]) THEN (SELECT string_agg(msgid::text, ',') FROM moved) END AS only
  FROM (SELECT count(*) AS many FROM moved) m`;
}

interface Answer {
  readonly woken: number;
  readonly many: number;
  readonly only: string | null;
}

/** The same, which fails as a division by zero when not all moved. `last`: the number of the value that says how many they are. */
function allOrNone(sql: string, last: number, woken: string): string {
  return `${sql}SELECT ${woken} AS woken,
    1 / (CASE WHEN (SELECT count(*) FROM moved) = $${last}::bigint THEN 1 ELSE 0 END) AS all_moved`;
}

/** Does this move change no more than a short statement writes, beside the phase? */
function isShort(before: Message, { commits, readyAt, state }: NextState): boolean {
  return (
    commits.length === 1 &&
    readyAt === 0 &&
    before.phase === 'open' &&
    before.ask === null &&
    before.mode === state.mode &&
    before.cause === state.cause &&
    before.error === state.error &&
    before.undoError === state.undoError &&
    before.rewindTo === state.rewindTo &&
    before.generation === state.generation
  );
}

/** Will this be a move that WRITE_KEPT can write? */
export function isKept(write: Write, next: NextState): boolean {
  return next.state.phase === 'open' && isShort(write.claim.message, next) && write.keep(next);
}

/** Will this be a move that WRITE_DONE can write? */
export function isLast({ claim: { message }, obeys }: Write, next: NextState): boolean {
  const { state } = next;
  return (
    state.phase === 'done' &&
    state.cursor !== message.cursor &&
    message.parent === null &&
    next.address === null &&
    !obeys &&
    isShort(message, next)
  );
}

/** A message's move, worked out and ready to be written. */
export interface Move {
  readonly before: Message;
  readonly after: Message;
  readonly chained: readonly Chained[];
  readonly address: string | null;
  readonly keep: boolean;
  /** Null: a person's move, which no lease and no ask keeps back. */
  readonly obeys: boolean | null;
}

/** What a worker's write comes to. Throws when the outcome cannot be kept (a value that is not JSON). */
export function claimedMove(write: Write, next: NextState, now: number): Move {
  const before = write.claim.message;
  const chained = chain(before, next);
  const keep =
    !isResting(next.state.phase) && next.state.phase === 'open' && next.readyAt <= now && write.keep(next);
  const after = messageAfter(before, next, chained, now, keep);
  return { before, after, chained, address: next.address, keep, obeys: write.obeys };
}

/** A person's move, or a group's: no claim is needed, and one that exists ends. */
export function forcedMove(before: Message, next: NextState, now: number): Move {
  const chained = chain(before, next);
  const after = { ...messageAfter(before, next, chained, now, false), fence: before.fence + 1 };
  return { before, after, chained, address: next.address, keep: false, obeys: null };
}

/** The parent that looks at its children again when this move is made. */
function wakes({ after }: Move): number | null {
  return after.parent !== null && isResting(after.phase) ? after.parent.msgid : null;
}

/** Writes the moves of messages that differ from each other and from each other's parents. Returns the msgids that moved. */
export type WriteMoves = (
  engine: Engine,
  link: Link,
  given: readonly Move[],
  now: number,
  notes: Notes,
) => Promise<ReadonlySet<number>>;

export const writeMoves: WriteMoves = writing(WRITE, valuesOf);
/** The same for moves that `isKept` chose. */
export const writeKept: WriteMoves = writing(WRITE_KEPT, shortValuesOf);
/** The same for moves that `isLast` chose. */
export const writeLast: WriteMoves = writing(WRITE_DONE, shortValuesOf);

function writing(sql: string, values: typeof valuesOf): WriteMoves {
  return async (engine, link, given, now, notes) => {
    const moves = inOrder(given);
    const [answer] = await link.run<Answer>(sql, values(engine, moves, now));
    const { woken, only } = answer as Answer;
    const msgids = answer?.many === moves.length ? moves.map(({ before }) => before.msgid) : numbersIn(only);
    const moved = new Set(msgids);
    for (const move of moves) if (moved.has(move.before.msgid)) noteMove(move, notes);
    if (woken > 0) notes.ready.push(GROUP_ADDRESS);
    return moved;
  };
}

const numbersIn = (text: string | null): number[] => (text === null ? [] : text.split(',').map(Number));

/**
 * What writes all of these moves, or fails: the last statement of its transaction, so its answer need not be looked at. All that can
 * go wrong before it is sent goes wrong here.
 */
export function allMoves(
  engine: Engine,
  given: readonly Move[],
  now: number,
  notes: Notes,
): (link: Link) => Promise<void> {
  return allOf(WRITE_ALL, moves => valuesOf(engine, moves, now), given, notes);
}

/** The same of moves that `isKept` chose. */
export function allKept(
  engine: Engine,
  given: readonly Move[],
  now: number,
  notes: Notes,
): (link: Link) => Promise<void> {
  return allOf(WRITE_ALL_KEPT, moves => shortValuesOf(engine, moves, now), given, notes);
}

function allOf(
  sql: string,
  valuesOfAll: (moves: readonly Move[]) => readonly (Buffer | number)[],
  given: readonly Move[],
  notes: Notes,
): (link: Link) => Promise<void> {
  const moves = inOrder(given);
  const values = [...valuesOfAll(moves), moves.length];
  for (const move of moves) noteMove(move, notes);
  return async link => {
    const [row] = await link.run<{ woken: number }>(sql, values);
    if ((row?.woken ?? 0) > 0) notes.ready.push(GROUP_ADDRESS);
  };
}

/** Everybody locks rows in the same order, so that two batches do not wait for each other. */
function inOrder(moves: readonly Move[]): Move[] {
  return [...moves].sort((a, b) => a.before.msgid - b.before.msgid);
}

function shortValuesOf(engine: Engine, moves: readonly Move[], now: number): (Buffer | number)[] {
  const numbers = (of: (move: Move) => number): Buffer => bigintArray(moves.map(of));
  const texts = (of: (move: Move) => string | null): Buffer => textArray(moves.map(of));
  return [
    now,
    numbers(({ before }) => before.msgid),
    numbers(({ before }) => before.fence),
    numbers(({ before }) => before.seq),
    numbers(({ after }) => after.cursor),
    numbers(({ after }) => after.attempt),
    texts(({ after }) => JSON.stringify(after.trail)),
    texts(({ after }) => after.head),
    texts(({ address }) => address),
    numbers(({ after }) => prefixNumber(after.head)),
    texts(({ chained }) => chained[0]?.encoded ?? null),
    texts(({ before, chained, after }) => snapshotAfter(before, chained, after)),
    engine.origin,
  ];
}

function valuesOf(engine: Engine, moves: readonly Move[], now: number): (Buffer | number)[] {
  const numbers = (of: (move: Move) => number | null): Buffer => bigintArray(moves.map(of));
  const texts = (of: (move: Move) => string | null): Buffer => textArray(moves.map(of));
  const flags = (of: (move: Move) => boolean): Buffer => booleanArray(moves.map(of));
  const last = (move: Move): Chained | undefined => move.chained.at(-1);
  const earlier = moves.flatMap(({ chained }) => chained.slice(0, -1));
  const parents = new Set(moves.flatMap(move => wakes(move) ?? []));
  return [
    bigintArray([...parents]),
    now,
    numbers(({ before }) => before.msgid),
    numbers(({ before }) => before.fence),
    numbers(({ before }) => before.seq),
    flags(({ obeys }) => obeys === true),
    flags(({ obeys }) => obeys === null),
    flags(({ keep }) => keep),
    texts(({ after }) => after.mode),
    numbers(({ after }) => after.cursor),
    numbers(({ after }) => after.attempt),
    texts(({ after }) => after.phase),
    texts(({ after }) => after.cause),
    texts(({ after }) => json(after.error)),
    texts(({ after }) => json(after.undoError)),
    numbers(({ after }) => after.rewindTo),
    texts(({ after }) => JSON.stringify(after.trail)),
    numbers(({ after }) => after.generation),
    numbers(({ after }) => after.seq),
    texts(({ after }) => after.head),
    texts(({ address }) => address),
    numbers(({ after }) => after.readyAt),
    texts(({ after }) => after.worker),
    numbers(({ after }) => after.fence),
    numbers(({ after }) => after.begun),
    numbers(move => (last(move) === undefined ? null : prefixNumber(move.after.head))),
    texts(move => last(move)?.encoded ?? null),
    texts(({ before, chained, after }) => snapshotAfter(before, chained, after)),
    engine.origin,
    bigintArray(earlier.map(({ commit }) => commit.msgid)),
    bigintArray(earlier.map(({ commit }) => commit.seq)),
    bigintArray(earlier.map(({ commit }) => prefixNumber(commit.id))),
    textArray(earlier.map(({ commit }) => commit.id)),
    textArray(earlier.map(({ encoded }) => encoded)),
  ];
}

function json(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** What is to be told of a move that was written. */
export function noteMove({ after, address, chained, keep }: Move, notes: Notes): void {
  notes.note(
    after,
    chained.map(({ commit }) => commit),
  );
  if (!keep && address !== null && after.phase === 'open') notes.ready.push(address);
}

export function writtenAnswer(write: Write, { after, keep }: Move): WriteAnswer {
  return { kind: 'written', message: after, claim: keep ? { ...write.claim, message: after } : null };
}

/** Why these claims' writes changed nothing: somebody asked for something, or the claim is history. */
export async function refusals(
  engine: Engine,
  link: Link,
  claims: readonly Claim[],
): Promise<ReadonlyMap<number, WriteAnswer>> {
  const rows = await link.run<MessageRow>(
    `SELECT ${MESSAGE_COLUMNS} FROM messages WHERE msgid = ANY ($1::bigint[])`,
    [bigintArray(claims.map(({ msgid }) => msgid))],
  );
  const messages = new Map((await engine.messages(link, rows)).map(message => [message.msgid, message]));
  return new Map(claims.map(claim => [claim.msgid, refusal(claim, messages.get(claim.msgid))]));
}

function refusal(claim: Claim, message: Message | undefined): WriteAnswer {
  const current =
    message !== undefined &&
    message.fence === claim.fence &&
    message.seq === claim.message.seq &&
    message.leaseUntil !== null;
  if (!current || message.ask === null) return { kind: 'lost' };
  return { kind: 'asked', claim: { ...claim, message } };
}

/** Which of these moves are in the database, and durable, although their answer never came. */
export async function foundWritten(link: Link, moves: readonly Move[]): Promise<ReadonlySet<number>> {
  const heads = new Map(moves.map(({ after }) => [after.head, after.msgid]));
  const rows = await link.run<{ id: string }>(
    `SELECT c.id FROM unnest($1::bigint[], $2::bigint[]) AS i (msgid, seq)
     JOIN commits c ON c.msgid = i.msgid AND c.seq = i.seq`,
    [bigintArray(moves.map(({ after }) => after.msgid)), bigintArray(moves.map(({ after }) => after.seq))],
  );
  if (rows.length > 0) await link.settle();
  return new Set(rows.flatMap(({ id }) => heads.get(id) ?? []));
}

/** Moves a message in the open transaction; COAX_LEASE_LOST when it is not as the caller saw it. */
export async function moveNow(
  engine: Engine,
  link: Link,
  move: Move,
  now: number,
  notes: Notes,
): Promise<Message> {
  const moved = await writeMoves(engine, link, [move], now, notes);
  if (moved.size === 0)
    throw new CoaxError('COAX_LEASE_LOST', `message ${move.before.msgid} moved on meanwhile`);
  return move.after;
}

/** Would a write for that claim be taken? Locks the message until the end of the transaction. */
export async function isCurrent(link: Link, { claim, obeys }: Write): Promise<boolean> {
  const rows = await link.run(
    `SELECT 1 FROM messages WHERE msgid = $1 AND fence = $2 AND seq = $3 AND lease_until IS NOT NULL
       AND (ask IS NULL OR $4) FOR UPDATE`,
    [claim.msgid, claim.fence, claim.message.seq, obeys],
  );
  return rows.length > 0;
}
