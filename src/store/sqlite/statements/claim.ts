import { type MessageRow, toMessage } from '../../rows.ts';
import type { Claim, ClaimRef, ClaimRequest, ExtendAnswer } from '../../store.ts';
import type { Engine } from '../engine.ts';

/**
 * The partial index holds exactly the claimable messages, in order of readiness: a claim reads its first entries, however
 * long the queue is.
 */
const CLAIM = `UPDATE messages SET worker = ?1, lease_until = ?2, fence = fence + 1, begun = begun + 1
  WHERE msgid IN (
    SELECT msgid FROM messages INDEXED BY messages_queue
    WHERE address = ?3 AND ready_at <= ?4 AND lease_until IS NULL AND phase = 'open'
    ORDER BY ready_at, msgid LIMIT ?5
  ) RETURNING *`;

export function claim(engine: Engine, request: ClaimRequest, now: number): Claim[] {
  const claims: Claim[] = [];
  const leaseUntil = now + request.leaseMs;
  for (const address of request.addresses) {
    const limit = request.limit - claims.length;
    if (limit <= 0) break;
    const rows = engine.writer.all<MessageRow>(CLAIM, request.worker, leaseUntil, address, now, limit);
    rows.sort((a, b) => a.ready_at - b.ready_at || a.msgid - b.msgid);
    for (const row of rows) {
      claims.push({ msgid: row.msgid, fence: row.fence, message: toMessage(row, engine.planOf), leaseUntil });
    }
  }
  return claims;
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
    const row = engine.writer.get<{ address: string | null }>(sql, readyAt || null, msgid, fence);
    if (row?.address && readyAt === 0) engine.ready.push(row.address);
  }
}

export function releaseWorker(engine: Engine, worker: string): number {
  return giveBack(
    engine,
    engine.writer.all(`${GIVE_BACK} WHERE worker = ? AND lease_until IS NOT NULL RETURNING address`, worker),
  ).length;
}

export function expireLeases(engine: Engine, now: number): string[] {
  return giveBack(engine, engine.writer.all(`${GIVE_BACK} WHERE lease_until <= ? RETURNING address`, now));
}

/** At start nobody else lives: every lease is a dead process's. */
export function releaseAll(engine: Engine): number {
  return giveBack(engine, engine.writer.all(`${GIVE_BACK} WHERE lease_until IS NOT NULL RETURNING address`))
    .length;
}

function giveBack(engine: Engine, rows: { address: string | null }[]): string[] {
  const addresses = rows.flatMap(row => row.address ?? []);
  engine.ready.push(...addresses);
  return addresses;
}
