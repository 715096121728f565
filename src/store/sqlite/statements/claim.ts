import type { SQLInputValue } from 'node:sqlite';
import { inTurn } from '../../projects/turns.ts';
import { type MessageRow, ROW_COLUMNS, toMessage, toRow } from '../../rows.ts';
import type { Claim, ClaimRef, ClaimRequest, ExtendAnswer } from '../../store.ts';
import type { Connection } from '../connection.ts';
import type { Engine } from '../engine.ts';
import { heldAs, letGo } from './write.ts';

// SQLite takes a partial index only where its condition stands word for word.
const QUEUED = `main.messages INDEXED BY messages_queue WHERE lease_until IS NULL AND phase = 'open'`;

/**
 * The partial index holds exactly the claimable messages, by address and project in order of readiness: a claim reads the first
 * entries of each project, however long the queues are.
 */
const FIRST = `FROM ${QUEUED} AND address = ?1 AND project = ?2 AND ready_at <= ?3 ORDER BY ready_at, msgid LIMIT ?4`;

// Read, then written: `RETURNING` would carry each row through a table of its own.
const READ = `SELECT ${ROW_COLUMNS} ${FIRST}`;
const LEASE = `UPDATE messages SET worker = ?5, lease_until = ?6, fence = fence + 1, begun = begun + 1
  WHERE msgid IN (SELECT msgid ${FIRST})`;

/** The next project at an address, with the time at which its first message is ready. */
const NEXT_PROJECT = `SELECT project, ready_at FROM ${QUEUED} AND address = ? AND project > ?
  ORDER BY project, ready_at LIMIT 1`;

/** The next address. Not the next pair by one comparison of both: SQLite seeks by the first column alone then, and reads all of a line. */
const NEXT_ADDRESS = `SELECT address, project, ready_at FROM ${QUEUED} AND address > ?
  ORDER BY address, project, ready_at LIMIT 1`;

interface Line {
  readonly address: string;
  readonly project: string;
  readonly ready_at: number;
}

/** Projects at one address are served in turn, so that nobody waits behind all that another has queued there. */
export function claim(engine: Engine, request: ClaimRequest, now: number): Claim[] {
  const claims: Claim[] = [];
  const leaseUntil = now + request.leaseMs;
  for (const address of request.addresses) {
    const limit = request.limit - claims.length;
    if (limit <= 0) break;
    const take = (project: string, count: number): MessageRow[] => {
      const first = [address, project, now, count] as const;
      const rows = engine.writer.arrays(READ, ...first).map(toRow);
      if (rows.length > 0) engine.writer.run(LEASE, ...first, request.worker, leaseUntil);
      return rows;
    };
    for (const row of claimAt(engine, address, limit, now, take)) {
      row.worker = request.worker;
      row.lease_until = leaseUntil;
      row.fence += 1;
      row.begun += 1;
      engine.held.set(row.msgid, heldAs(row));
      claims.push({ msgid: row.msgid, fence: row.fence, message: toMessage(row, engine.planOf), leaseUntil });
    }
  }
  return claims;
}

function claimAt(
  engine: Engine,
  address: string,
  limit: number,
  now: number,
  take: (project: string, count: number) => MessageRow[],
): readonly MessageRow[] {
  const { turns } = engine;
  const taken = new Map<string, MessageRow[]>();
  let open = readyProjects(engine, address, turns.last(address), limit, now);
  for (let left = limit; left > 0 && open.length > 0; ) {
    const share = Math.max(1, Math.floor(left / open.length));
    const more: string[] = [];
    for (const project of open) {
      const wanted = Math.min(share, left);
      if (wanted === 0) break;
      const rows = take(project, wanted);
      taken.set(project, [...(taken.get(project) ?? []), ...rows]);
      turns.served(address, project);
      left -= rows.length;
      if (rows.length === wanted) more.push(project);
    }
    open = more;
  }
  return inTurn([...taken.values()]);
}

/** Projects with something to claim there, at most `limit`, from after that one on and round. */
function readyProjects(engine: Engine, address: string, after: string, limit: number, now: number): string[] {
  const statement = engine.writer.prepare(NEXT_PROJECT);
  const found: string[] = [];
  let project = after;
  let round = after === '' ? 1 : 0;
  while (found.length < limit) {
    const next = statement.get(address, project) as Line | undefined;
    if (next === undefined || (round === 1 && after !== '' && next.project > after)) {
      if (++round > 1) break;
      project = '';
      continue;
    }
    project = next.project;
    if (next.ready_at <= now) found.push(project);
  }
  return found;
}

/** Messages that wait for a worker, counted up to `atMost`. */
export function countQueued(connection: Connection, atMost: number, project?: string): number {
  const of = project === undefined ? '' : 'AND project = ?';
  const sql = `SELECT count(*) AS n FROM (SELECT 1 FROM ${QUEUED} ${of} LIMIT ?)`;
  return connection.get<{ n: number }>(sql, ...(project === undefined ? [] : [project]), atMost)?.n ?? 0;
}

/** Addresses with something to claim. One after another by the index, so that a long queue costs no more than a short one. */
export function readyAddresses(connection: Connection, now: number): string[] {
  const nextAddress = connection.prepare(NEXT_ADDRESS);
  const nextProject = connection.prepare(NEXT_PROJECT);
  const found: string[] = [];
  let line = nextAddress.get('') as Line | undefined;
  while (line !== undefined) {
    const { address } = line;
    let next: Pick<Line, 'project' | 'ready_at'> | undefined = line;
    while (next !== undefined && next.ready_at > now)
      next = nextProject.get(address, next.project) as typeof next;
    if (next !== undefined) found.push(address);
    line = nextAddress.get(address) as Line | undefined;
  }
  return found;
}

export function extend(engine: Engine, claims: readonly ClaimRef[], leaseUntil: number): ExtendAnswer[] {
  const statement = engine.writer.prepare(
    'UPDATE messages SET lease_until = ? WHERE msgid = ? AND fence = ? AND lease_until IS NOT NULL RETURNING ask',
  );
  return claims.map(({ msgid, fence }) => {
    const row = statement.get(leaseUntil, msgid, fence) as { ask: string | null } | undefined;
    if (row === undefined) return 'lost';
    return row.ask === null ? 'held' : { ask: JSON.parse(row.ask) };
  });
}

// A message that is given back gets a new fence, so whoever held it can no longer write. `begun` still counts the claim
// when its step may have begun: a later cancel then knows that there is something to undo.
const GIVE_BACK = 'UPDATE messages SET lease_until = NULL, fence = fence + 1';

/** `readyAt`: not to be claimed before (ms since 1970); 0 = as it was. */
export function release(engine: Engine, claims: readonly ClaimRef[], begun: boolean, readyAt: number): void {
  const sql = `${GIVE_BACK}${begun ? '' : ', begun = begun - 1'}, ready_at = coalesce(?, ready_at)
    WHERE msgid = ? AND fence = ? AND lease_until IS NOT NULL RETURNING address`;
  for (const { msgid, fence } of claims) {
    letGo(engine, msgid);
    const row = engine.writer.get<{ address: string | null }>(sql, readyAt || null, msgid, fence);
    if (row?.address && readyAt === 0) engine.ready.push(row.address);
  }
}

export function releaseWorker(engine: Engine, worker: string): number {
  return giveBack(engine, 'worker = ? AND lease_until IS NOT NULL', worker).length;
}

export function expireLeases(engine: Engine, now: number): string[] {
  return giveBack(engine, 'lease_until <= ?', now);
}

/** At start nobody else lives: every lease is a dead process's. */
export function releaseAll(engine: Engine): number {
  return giveBack(engine, 'lease_until IS NOT NULL').length;
}

function giveBack(engine: Engine, which: string, ...values: SQLInputValue[]): string[] {
  const held = engine.writer.all<{ msgid: number }>(`SELECT msgid FROM messages WHERE ${which}`, ...values);
  for (const { msgid } of held) letGo(engine, msgid);
  const addresses = engine.writer
    .all<{ address: string | null }>(`${GIVE_BACK} WHERE ${which} RETURNING address`, ...values)
    .flatMap(row => row.address ?? []);
  engine.ready.push(...addresses);
  return addresses;
}
