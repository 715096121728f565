import type { SQLInputValue } from 'node:sqlite';
import { type Commit, decodeCommit } from '../../../ledger/commit.ts';
import { foldCommits } from '../../../ledger/fold.ts';
import { APPROVAL } from '../../../message/group/approval.ts';
import { DEFAULT_PROJECT } from '../../../message/limits.ts';
import { type Message, type Parameters, type Plan, STATUSES, type Status } from '../../../message/message.ts';
import { prefixRange } from '../../id-prefix.ts';
import { labelConditions, type MessageRow, toMessage } from '../../rows.ts';
import type { CommitRange, MessageQuery } from '../../store.ts';
import type { Connection } from '../connection.ts';
import type { IdIndex } from '../id-index.ts';
import { caughtUp } from './catch-up.ts';
import { LAST_MSGID } from './last-msgid.ts';

type PlanOf = (hash: string) => Plan;

/** The condition of each status; `?now` stands for the time. */
const STATUS_SQL: Readonly<Record<Status, string>> = {
  queued: `phase = 'open' AND lease_until IS NULL AND ready_at <= ?now`,
  running: `lease_until IS NOT NULL`,
  waiting: `(phase = 'waiting' OR (phase = 'open' AND lease_until IS NULL AND ready_at > ?now))`,
  done: `phase = 'done'`,
  rolled_back: `phase = 'rolled_back'`,
  parked: `phase = 'parked'`,
};

/** Waits for a person at `approval give`; the address and the rest in the words of the queue's index. */
const AWAITING_SQL = `address = '${APPROVAL.module}' AND phase = 'open' AND lease_until IS NULL AND mode = 'normal' AND attempt > 0`;

const statusSql = (status: Status, now: number): string => STATUS_SQL[status].replaceAll('?now', String(now));

/** The condition that takes these projects as values; in the words of the index where the index has them all. */
function ofProjects(projects: readonly string[]): string {
  const marks = projects.map(() => '?').join(', ');
  const indexed = projects.includes(DEFAULT_PROJECT) ? '' : ` AND project <> '${DEFAULT_PROJECT}'`;
  return `project IN (${marks})${indexed}`;
}

export function readMessage(connection: Connection, msgid: number, planOf: PlanOf): Message | null {
  const row = connection.get<MessageRow>('SELECT * FROM messages WHERE msgid = ?', msgid);
  return row === undefined ? null : toMessage(caughtUp(connection, row, planOf), planOf);
}

export function readMessages(
  connection: Connection,
  query: MessageQuery,
  now: number,
  planOf: PlanOf,
): Message[] {
  const conditions = ['1'];
  const values: SQLInputValue[] = [];
  if (query.before !== undefined) {
    conditions.push('msgid < ?');
    values.push(query.before);
  }
  if (query.status !== undefined) conditions.push(statusSql(query.status, now));
  if (query.awaiting === true) conditions.push(AWAITING_SQL);
  if (query.flow !== undefined) {
    conditions.push('flow = ?');
    values.push(query.flow);
  }
  if (query.projects !== undefined) {
    conditions.push(ofProjects(query.projects));
    values.push(...query.projects);
  }
  const bind = (value: string): string => {
    values.push(value);
    return '?';
  };
  conditions.push(...labelConditions(query.selector ?? [], bind));
  if (query.withChildren !== true) conditions.push('parent_msgid IS NULL');
  return connection
    .all<MessageRow>(
      `SELECT * FROM messages WHERE ${conditions.join(' AND ')} ORDER BY msgid DESC LIMIT ?`,
      ...values,
      query.limit,
    )
    .map(row => toMessage(caughtUp(connection, row, planOf), planOf));
}

/** Looks at every message of these projects: there is no other way to tell how many are done. */
export function readCountsOf(
  connection: Connection,
  projects: readonly string[],
  now: number,
): Record<Status, number> {
  const columns = STATUSES.map(
    status => `ifnull(sum(iif(${statusSql(status, now)}, 1, 0)), 0) AS ${status}`,
  ).join(', ');
  const row = connection.get<Record<Status, number>>(
    `SELECT ${columns} FROM messages WHERE ${ofProjects(projects)}`,
    ...projects,
  )!;
  return { ...row };
}

export function readCounts(connection: Connection, now: number): Record<Status, number> {
  const count = (where: string): number =>
    connection.get<{ n: number }>(`SELECT count(*) AS n FROM messages WHERE ${where}`)?.n ?? 0;
  const counts = { queued: 0, running: 0, waiting: 0, done: 0, rolled_back: 0, parked: 0 };
  for (const status of ['queued', 'running', 'rolled_back', 'parked'] as const) {
    counts[status] = count(statusSql(status, now));
  }
  // Two indexes, so two looks.
  counts.waiting =
    count(`phase = 'waiting'`) + count(`phase = 'open' AND lease_until IS NULL AND ready_at > ${now}`);
  // What is in no other status is done. Msgids are given one by one and it is known which are gone, so that nothing need
  // be counted: a look at every row took half a second of a store of a million.
  const all = connection.get<{ n: number }>(
    `SELECT ${LAST_MSGID}
       - (SELECT ifnull(sum(last - first + 1), 0) FROM msgid_gaps) AS n`,
  )?.n;
  counts.done = (all ?? 0) - Object.values(counts).reduce((sum, n) => sum + n, 0);
  return counts;
}

export function countAwaiting(connection: Connection, projects?: readonly string[]): number {
  const where = projects === undefined ? AWAITING_SQL : `${AWAITING_SQL} AND ${ofProjects(projects)}`;
  return connection.get<{ n: number }>(
    `SELECT count(*) AS n FROM messages WHERE ${where}`,
    ...(projects ?? []),
  )!.n;
}

interface CommitRow {
  id: string;
  body: string;
}

export function readCommits(connection: Connection, msgid: number, range: CommitRange): Commit[] {
  const direction = range.order === 'newest' ? 'DESC' : 'ASC';
  return connection
    .all<CommitRow>(
      `SELECT id, body FROM commits WHERE msgid = ? AND seq >= ? AND seq <= ? ORDER BY seq ${direction} LIMIT ?`,
      msgid,
      range.fromSeq ?? 0,
      range.toSeq ?? Number.MAX_SAFE_INTEGER,
      range.limit ?? -1,
    )
    .map(({ id, body }) => decodeCommit(id, body));
}

export function readCommitsByPrefix(
  connection: Connection,
  ids: IdIndex,
  prefix: string,
  limit: number,
): Commit[] {
  const [low, high] = prefixRange(prefix);
  return connection
    .all<CommitRow>(
      `SELECT id, body FROM commits
       WHERE pos IN (SELECT pos FROM commit_ids WHERE prefix BETWEEN ? AND ? UNION SELECT value FROM json_each(?))
         AND substr(id, 1, ?) = ? LIMIT ?`,
      low, high, JSON.stringify(ids.inTail(low, high)), prefix.length, prefix, limit,
    ) // biome-ignore format: the order of the parameters
    .map(({ id, body }) => decodeCommit(id, body));
}

/** The nearest snapshot at or before, and the deltas since. */
export function readParametersAt(connection: Connection, msgid: number, seq: number): Parameters | null {
  const nearest = connection.get<{ seq: number; snapshot: string }>(
    `SELECT seq, snapshot FROM commits WHERE msgid = ? AND seq <= ? AND snapshot IS NOT NULL ORDER BY seq DESC LIMIT 1`,
    msgid,
    seq,
  );
  const before: Parameters = nearest === undefined ? {} : (JSON.parse(nearest.snapshot) as Parameters);
  const commits = readCommits(connection, msgid, {
    fromSeq: nearest === undefined ? 0 : nearest.seq + 1,
    toSeq: seq,
  });
  if (commits.at(-1)?.seq !== seq && nearest?.seq !== seq) return null;
  return foldCommits(before, commits);
}
