import { type Commit, decodeCommit } from '../../../ledger/commit.ts';
import { foldCommits } from '../../../ledger/fold.ts';
import { APPROVAL } from '../../../message/group/approval.ts';
import { DEFAULT_PROJECT } from '../../../message/limits.ts';
import { type Message, type Parameters, STATUSES, type Status } from '../../../message/message.ts';
import { type AllocationRow, labelConditions, type MessageRow, toAllocation } from '../../rows.ts';
import type { Allocation, AllocationQuery, CommitRange, MessageQuery } from '../../store.ts';
import type { Engine } from '../engine.ts';
import { textArray } from '../link/binary-array.ts';
import { CLOCK_MS, type Link, type SqlValue } from '../link/link.ts';
import { ALLOCATION_COLUMNS, MESSAGE_COLUMNS } from './columns.ts';

/** The condition of each status; the time is the database's. */
const STATUS_SQL: Readonly<Record<Status, string>> = {
  queued: `queued IS NOT NULL AND ready_at <= (SELECT ${CLOCK_MS})`,
  running: 'held',
  waiting: `(phase = 'waiting' OR (queued IS NOT NULL AND ready_at > (SELECT ${CLOCK_MS})))`,
  done: `phase = 'done'`,
  rolled_back: `phase = 'rolled_back'`,
  parked: `phase = 'parked'`,
};

/** Waits for a person at `approval give`; `queued` is the address of what waits for a worker. */
const AWAITING_SQL = `queued COLLATE "C" = '${APPROVAL.module}' AND mode = 'normal' AND attempt > 0`;

/** The condition of these projects; in the words of the index where the index has them all. */
function ofProjects(projects: readonly string[], bind: (value: SqlValue) => string): string {
  const indexed = projects.includes(DEFAULT_PROJECT) ? '' : ` AND project <> '${DEFAULT_PROJECT}'`;
  return `project COLLATE "C" = ANY (${bind(textArray(projects))}::text[])${indexed}`;
}

export async function readMessage(engine: Engine, link: Link, msgid: number): Promise<Message | null> {
  const rows = await link.run<MessageRow>(`SELECT ${MESSAGE_COLUMNS} FROM messages WHERE msgid = $1`, [
    msgid,
  ]);
  return (await engine.messages(link, rows))[0] ?? null;
}

export async function readMessages(engine: Engine, link: Link, query: MessageQuery): Promise<Message[]> {
  const conditions = ['true'];
  const values: SqlValue[] = [];
  const bind = (value: SqlValue): string => `$${values.push(value)}`;
  if (query.before !== undefined) conditions.push(`msgid < ${bind(query.before)}`);
  if (query.status !== undefined) conditions.push(STATUS_SQL[query.status]);
  if (query.awaiting === true) conditions.push(AWAITING_SQL);
  if (query.flow !== undefined) conditions.push(`flow = ${bind(query.flow)}`);
  if (query.projects !== undefined) conditions.push(ofProjects(query.projects, bind));
  conditions.push(...labelConditions(query.selector ?? [], bind));
  if (query.withChildren !== true) conditions.push('parent_msgid IS NULL');
  const rows = await link.run<MessageRow>(
    `SELECT ${MESSAGE_COLUMNS} FROM messages WHERE ${conditions.join(' AND ')} ORDER BY msgid DESC LIMIT ${bind(query.limit)}`,
    values,
  );
  return engine.messages(link, rows);
}

/** Looks at every message of these projects: there is no other way to tell how many are done. */
export async function readCountsOf(link: Link, projects: readonly string[]): Promise<Record<Status, number>> {
  const columns = STATUSES.map(status => `count(*) FILTER (WHERE ${STATUS_SQL[status]}) AS ${status}`);
  const values: SqlValue[] = [];
  const bind = (value: SqlValue): string => `$${values.push(value)}`;
  const [row] = await link.run<Record<Status, number>>(
    `SELECT ${columns.join(', ')} FROM messages WHERE ${ofProjects(projects, bind)}`,
    values,
  );
  return { ...row! };
}

export async function readCounts(link: Link): Promise<Record<Status, number>> {
  const names = ['queued', 'running', 'waiting', 'rolled_back', 'parked'] as const;
  const columns = names.map(name => `(SELECT count(*) FROM messages WHERE ${STATUS_SQL[name]}) AS ${name}`);
  const [row] = await link.run<Record<(typeof names)[number] | 'total', number>>(
    `SELECT ${columns.join(', ')}, (SELECT count(*) FROM messages) AS total`,
  );
  const counts = { queued: 0, running: 0, waiting: 0, done: 0, rolled_back: 0, parked: 0 };
  for (const name of names) counts[name] = row?.[name] ?? 0;
  // What is in no other status is done: cheaper than looking at every row's phase.
  const rest = Object.values(counts).reduce((sum, n) => sum + n, 0);
  counts.done = (row?.total ?? rest) - rest;
  return counts;
}

export async function countAwaiting(link: Link, projects?: readonly string[]): Promise<number> {
  const values: SqlValue[] = [];
  const of = projects === undefined ? '' : ` AND ${ofProjects(projects, value => `$${values.push(value)}`)}`;
  const [row] = await link.run<{ n: number }>(
    `SELECT count(*) AS n FROM messages WHERE ${AWAITING_SQL}${of}`,
    values,
  );
  return row!.n;
}

interface CommitRow {
  id: string;
  body: string;
}

export async function readCommits(link: Link, msgid: number, range: CommitRange): Promise<Commit[]> {
  const direction = range.order === 'newest' ? 'DESC' : 'ASC';
  const rows = await link.run<CommitRow>(
    `SELECT id, body FROM commits WHERE msgid = $1 AND seq >= $2 AND seq <= $3 ORDER BY seq ${direction} LIMIT $4`,
    [msgid, range.fromSeq ?? 0, Math.min(range.toSeq ?? SEQ_MAX, SEQ_MAX), range.limit ?? null],
  );
  return rows.map(({ id, body }) => decodeCommit(id, body));
}

const SEQ_MAX = 2 ** 31 - 1;

/** The nearest snapshot at or before, and the deltas since. */
export async function readParametersAt(link: Link, msgid: number, seq: number): Promise<Parameters | null> {
  const [nearest] = await link.run<{ seq: number; snapshot: string }>(
    `SELECT seq, snapshot FROM commits WHERE msgid = $1 AND seq <= $2 AND snapshot IS NOT NULL ORDER BY seq DESC LIMIT 1`,
    [msgid, seq],
  );
  const before: Parameters = nearest === undefined ? {} : (JSON.parse(nearest.snapshot) as Parameters);
  const commits = await readCommits(link, msgid, {
    fromSeq: nearest === undefined ? 0 : nearest.seq + 1,
    toSeq: seq,
  });
  if (commits.at(-1)?.seq !== seq && nearest?.seq !== seq) return null;
  return foldCommits(before, commits);
}

export async function readAllocations(link: Link, query: AllocationQuery): Promise<Allocation[]> {
  const conditions = ['true'];
  const values: SqlValue[] = [];
  for (const name of ['kind', 'key', 'msgid'] as const) {
    const value = query[name];
    if (value !== undefined) conditions.push(`${name} = $${values.push(value)}`);
  }
  const rows = await link.run<AllocationRow>(
    `SELECT ${ALLOCATION_COLUMNS} FROM allocations WHERE ${conditions.join(' AND ')} ORDER BY kind COLLATE "C", key COLLATE "C"`,
    values,
  );
  return rows.map(toAllocation);
}
