import type { Ask } from '../../../message/message.ts';
import { inTurn } from '../../projects/turns.ts';
import type { MessageRow } from '../../rows.ts';
import type { Claim, ClaimRef, ClaimRequest, ExtendAnswer } from '../../store.ts';
import type { Engine } from '../engine.ts';
import { bigintArray, booleanArray, textArray } from '../link/binary-array.ts';
import { CLOCK_MS, type Link } from '../link/link.ts';
import { messageColumns } from './columns.ts';

/**
 * Leases are judged by the database's clock. Only claims wait for the disk (and a synchronous standby): a database that
 * forgot one in a crash would give its fence a second time, while the step of the first runs on. What is forgotten of the
 * others does no harm: an extension leaves the lease as it was a third of its length before, and what was given back goes
 * back again when the lease ends.
 */
const CLOCK = `clock AS MATERIALIZED (SELECT ${CLOCK_MS} AS ms)`;
const NOW = `clock AS MATERIALIZED (SELECT ${CLOCK_MS} AS ms, set_config('synchronous_commit', 'off', true) AS off)`;

/**
 * The index holds exactly the claimable messages, by address and project in order of readiness: a claim reads the first entries
 * of each project, however long the queues are, and steps over those that another claim has in its hands. Projects at one
 * address are served in turn, from after the one that was served last: each has its share of the claim.
 */
const CLAIM = `WITH RECURSIVE ${CLOCK}, lines (place, turn, address, project, ready_at) AS (
  SELECT a.place, a.turn, a.address, n.project, n.ready_at
  FROM unnest($1::text[], $6::text[]) WITH ORDINALITY AS a (address, turn, place)
  CROSS JOIN LATERAL (SELECT project, ready_at FROM messages WHERE queued COLLATE "C" = a.address
    ORDER BY project COLLATE "C", ready_at LIMIT 1) n
  UNION ALL
  SELECT l.place, l.turn, l.address, n.project, n.ready_at FROM lines l
  CROSS JOIN LATERAL (SELECT project, ready_at FROM messages
    WHERE queued COLLATE "C" = l.address AND project COLLATE "C" > l.project
    ORDER BY project COLLATE "C", ready_at LIMIT 1) n
), ready AS MATERIALIZED (
  SELECT place, address, project, count(*) OVER (PARTITION BY place) AS many FROM lines
  WHERE ready_at <= (SELECT ms FROM clock)
  ORDER BY place, (project COLLATE "C" <= turn), project COLLATE "C"
), picked AS MATERIALIZED (
  SELECT q.msgid FROM ready r CROSS JOIN LATERAL (
    SELECT msgid FROM messages
    WHERE queued COLLATE "C" = r.address AND project COLLATE "C" = r.project AND ready_at <= (SELECT ms FROM clock)
    ORDER BY ready_at, msgid LIMIT greatest(1, $2::bigint / r.many) FOR UPDATE SKIP LOCKED
  ) q LIMIT $2::bigint
)
UPDATE messages m SET worker = $3::text, lease_until = c.ms + $4::bigint, fence = fence + 1, begun = begun + 1,
  claim_tag = $5::bigint
FROM picked p, clock c WHERE m.msgid = p.msgid RETURNING ${messageColumns('m')}, c.ms AS clock`;

type ClaimRow = MessageRow & { clock: number };

/** `tag`: a number that no other claim has. */
export async function claim(
  engine: Engine,
  link: Link,
  request: ClaimRequest,
  tag: number,
): Promise<Claim[]> {
  if (request.limit <= 0 || request.addresses.length === 0) return [];
  const rows: ClaimRow[] = [];
  // Once more where projects had less than their shares, while others may have more.
  for (let more = true; more && rows.length < request.limit; ) {
    const part = await claimOnce(engine, link, { ...request, limit: request.limit - rows.length }, tag);
    const projects = new Set(part.map(({ address, project }) => `${address} ${project}`));
    more = projects.size > new Set(part.map(({ address }) => address)).size;
    rows.push(...part);
  }
  const messages = await engine.messages(link, rows);
  return messages.map(message => ({
    msgid: message.msgid,
    fence: message.fence,
    message,
    leaseUntil: message.leaseUntil ?? 0,
  }));
}

/** What it claims is in order: by address as they were asked for, and there one of each project in turn. */
async function claimOnce(
  { clock, turns }: Engine,
  link: Link,
  { addresses, limit, worker, leaseMs }: ClaimRequest,
  tag: number,
): Promise<ClaimRow[]> {
  const rows = await link.run<ClaimRow>(CLAIM, [
    textArray(addresses),
    limit,
    worker,
    leaseMs,
    tag,
    textArray(addresses.map(address => turns.last(address))),
  ]);
  if (rows[0] !== undefined) clock.heard(rows[0].clock);
  const at = Map.groupBy(rows, ({ address }) => address ?? '');
  return addresses.flatMap(address => {
    const last = turns.last(address);
    const byProject = Map.groupBy(at.get(address) ?? [], ({ project = '' }) => project);
    const isLater = (project: string): number => (project > last ? 0 : 1);
    const order = [...byProject.keys()].sort((a, b) => isLater(a) - isLater(b) || (a < b ? -1 : 1));
    if (order.length > 0) turns.served(address, order.at(-1)!);
    const inOrder = (of: ClaimRow[]): ClaimRow[] =>
      of.sort((a, b) => a.ready_at - b.ready_at || a.msgid - b.msgid);
    return inTurn(order.map(project => inOrder(byProject.get(project)!)));
  });
}

const EXTEND = `WITH ${NOW}
UPDATE messages m SET lease_until = c.ms + i.lease_ms
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS i (msgid, fence, lease_ms), clock c
WHERE m.msgid = i.msgid AND m.fence = i.fence AND m.lease_until IS NOT NULL RETURNING m.msgid, m.fence, m.ask, c.ms AS clock`;

export interface ExtendCall {
  readonly claims: readonly ClaimRef[];
  readonly leaseMs: number;
}

export async function extend(
  engine: Engine,
  link: Link,
  calls: readonly ExtendCall[],
): Promise<ExtendAnswer[][]> {
  const asked = calls.flatMap(({ claims, leaseMs }) =>
    claims.map(({ msgid, fence }) => ({ msgid, fence, leaseMs })),
  );
  asked.sort((a, b) => a.msgid - b.msgid);
  const rows = await link.run<{ msgid: number; fence: number; ask: string | null; clock: number }>(EXTEND, [
    bigintArray(asked.map(({ msgid }) => msgid)),
    bigintArray(asked.map(({ fence }) => fence)),
    bigintArray(asked.map(({ leaseMs }) => leaseMs)),
  ]);
  if (rows[0] !== undefined) engine.clock.heard(rows[0].clock);
  const found = new Map(rows.map(row => [row.msgid, row]));
  return calls.map(({ claims }) =>
    claims.map(({ msgid, fence }): ExtendAnswer => {
      const row = found.get(msgid);
      if (row === undefined || row.fence !== fence) return 'lost';
      return row.ask === null ? 'held' : { ask: JSON.parse(row.ask) as Ask };
    }),
  );
}

// A message that is given back gets a new fence, so whoever held it can no longer write. `begun` still counts the claim
// when its step may have begun: a later cancel then knows that there is something to undo.
const RELEASE = `WITH ${NOW}
UPDATE messages m SET lease_until = NULL, fence = m.fence + 1, begun = m.begun - (NOT i.begun)::integer,
  ready_at = CASE WHEN i.after_ms > 0 THEN c.ms + i.after_ms ELSE m.ready_at END
FROM unnest($1::bigint[], $2::bigint[], $3::boolean[], $4::bigint[]) AS i (msgid, fence, begun, after_ms), clock c
WHERE m.msgid = i.msgid AND m.fence = i.fence AND m.lease_until IS NOT NULL AND c.ms > 0 RETURNING m.address`;

const giveBack = (which: string): string => `WITH ${NOW}, given AS MATERIALIZED (
  SELECT msgid FROM messages, clock WHERE held AND ${which}
)
UPDATE messages m SET lease_until = NULL, fence = m.fence + 1 FROM given g
WHERE m.msgid = g.msgid AND m.lease_until IS NOT NULL RETURNING m.address`;

/** Nobody heard of these claims, so their steps have not begun. */
const TAKE_BACK = giveBack('claim_tag = $1 ORDER BY msgid FOR UPDATE OF messages').replace(
  'fence = m.fence + 1',
  'fence = m.fence + 1, begun = m.begun - 1',
);
const RELEASE_WORKER = giveBack('worker = $1 ORDER BY msgid FOR UPDATE OF messages');
/** What another has in its hands is looked at again at the next tick. */
const EXPIRE = giveBack('lease_until <= clock.ms ORDER BY msgid FOR UPDATE OF messages SKIP LOCKED');

type Given = { address: string | null };

export interface ReleaseCall {
  readonly claims: readonly ClaimRef[];
  readonly begun: boolean;
  readonly afterMs: number;
}

/** The addresses that got work; so do the others here. */
export async function release(link: Link, calls: readonly ReleaseCall[]): Promise<string[]> {
  const asked = calls.flatMap(({ claims, begun, afterMs }) =>
    claims.map(({ msgid, fence }) => ({ msgid, fence, begun, afterMs })),
  );
  asked.sort((a, b) => a.msgid - b.msgid);
  const rows = await link.run<Given>(RELEASE, [
    bigintArray(asked.map(({ msgid }) => msgid)),
    bigintArray(asked.map(({ fence }) => fence)),
    booleanArray(asked.map(({ begun }) => begun)),
    bigintArray(asked.map(({ afterMs }) => Math.ceil(afterMs))),
  ]);
  return rows.flatMap(({ address }) => address ?? []);
}

/** Gives back what a claim took whose answer never came. */
export async function takeBack(link: Link, tag: number): Promise<string[]> {
  const rows = await link.run<Given>(TAKE_BACK, [tag]);
  return rows.flatMap(({ address }) => address ?? []);
}

export async function releaseWorker(
  link: Link,
  worker: string,
): Promise<{ count: number; addresses: string[] }> {
  const rows = await link.run<Given>(RELEASE_WORKER, [worker]);
  return { count: rows.length, addresses: rows.flatMap(({ address }) => address ?? []) };
}

export async function expireLeases(link: Link): Promise<string[]> {
  const rows = await link.run<Given>(EXPIRE);
  return rows.flatMap(({ address }) => address ?? []);
}

/** One address and project after another by the index, so that a long queue costs no more than a short one. */
export const READY_ADDRESSES = `WITH RECURSIVE lines (address, project, ready_at) AS (
  (SELECT queued COLLATE "C", project COLLATE "C", ready_at FROM messages WHERE queued IS NOT NULL
    ORDER BY queued COLLATE "C", project COLLATE "C", ready_at LIMIT 1)
  UNION ALL
  SELECT n.address, n.project, n.ready_at FROM lines l CROSS JOIN LATERAL (
    SELECT queued COLLATE "C" AS address, project COLLATE "C" AS project, ready_at FROM messages
    WHERE (queued COLLATE "C", project COLLATE "C") > (l.address, l.project)
    ORDER BY queued COLLATE "C", project COLLATE "C", ready_at LIMIT 1) n
), clock AS MATERIALIZED (SELECT ${CLOCK_MS} AS ms)
SELECT DISTINCT address FROM lines WHERE ready_at <= (SELECT ms FROM clock)`;

/** Messages that wait for a worker, counted up to `atMost`. */
export async function countQueued(link: Link, atMost: number, project: string | null): Promise<number> {
  const of = project === null ? '' : 'AND project COLLATE "C" = $2::text';
  const rows = await link.run<{ n: number }>(
    `SELECT count(*) AS n FROM (SELECT 1 FROM messages WHERE queued IS NOT NULL ${of} LIMIT $1::bigint) q`,
    project === null ? [atMost] : [atMost, project],
  );
  return Number(rows[0]?.n ?? 0);
}
