import { sql } from 'kysely';
import type { Parameters } from '../../../message/message.ts';
import type { PlacementClaim } from '../../../placement/claim.ts';
import type { Tx } from '../../../store/tx.ts';
import { horizon, jsonRows } from '../../change-marks.ts';
import { cloudTables, type HostRow } from '../../schema.ts';
import { claimOf } from '../claim-detail.ts';

type Db = Tx['db'];

/** A claim as it is now, or null when there is none of that key. */
export type ClaimNow = readonly [key: string, claim: PlacementClaim | null];

/** Rows of one query: what is read at once lies in memory at once. */
const PAGE = 10_000;

/** Every host, page by page. */
export async function* allHosts(db: Db): AsyncGenerator<readonly HostRow[]> {
  const hosts = cloudTables(db).selectFrom('hosts').selectAll().orderBy('name').limit(PAGE);
  for (let last: string | undefined; ; ) {
    const rows = await (last === undefined ? hosts : hosts.where('name', '>', last)).execute();
    yield rows;
    if (rows.length < PAGE) return;
    last = rows.at(-1)!.name;
  }
}

/** Every claim, page by page. */
export async function* allClaims(db: Db): AsyncGenerator<readonly PlacementClaim[]> {
  const claims = cloudTables(db)
    .selectFrom('allocations')
    .select(['key', 'msgid', 'detail'])
    .where('kind', '=', 'claim')
    .orderBy('key')
    .limit(PAGE);
  for (let last: string | undefined; ; ) {
    const rows = await (last === undefined ? claims : claims.where('key', '>', last)).execute();
    yield rows.map(({ key, detail }) => claimOf(key, JSON.parse(detail) as Parameters));
    if (rows.length < PAGE) return;
    last = rows.at(-1)!.key;
  }
}

export const hostsSince = (db: Db, mark: number): Promise<HostRow[]> =>
  cloudTables(db).selectFrom('hosts').selectAll().where('changed', '>=', mark).execute();

/** What became of the claims that were made or given back since, as they are now. */
export async function claimsSince(db: Db, mark: number): Promise<ClaimNow[]> {
  const { rows } = await sql<{ key: string; detail: string | null }>`
    SELECT c.key, ${detailOf('c')} FROM (${changedSince(mark)}) c`.execute(db);
  return rows.map(claimNow);
}

/** The same, and the mark below which all is known then: seen in one moment. With PostgreSQL only. */
export async function claimsAndMark(
  db: Db,
  mark: number,
): Promise<{ readonly mark: number; readonly claims: ClaimNow[] }> {
  const { rows } = await sql<{ mark: number; key: string | null; detail: string | null }>`
    SELECT m.mark, c.key, ${detailOf('c')} FROM (SELECT ${horizon} AS mark) m
    LEFT JOIN (${changedSince(mark)}) c ON true`.execute(db);
  const claims = rows.flatMap(({ key, detail }) => (key === null ? [] : [claimNow({ key, detail })]));
  return { mark: Number(rows[0]?.mark ?? 0), claims };
}

const changedSince = (mark: number) =>
  sql`SELECT DISTINCT key FROM claim_changes WHERE change >= CAST(${mark} AS bigint)`;

/** Those claims as they are now. */
export async function claimsAt(db: Db, keys: readonly string[]): Promise<ClaimNow[]> {
  if (keys.length === 0) return [];
  const wanted = keys.map(key => [key]);
  const { rows } = await sql<{ key: string; detail: string | null }>`
    SELECT k.key, ${detailOf('k')} FROM (SELECT value ->> 0 AS key FROM ${jsonRows(db, wanted)}) k`.execute(
    db,
  );
  return rows.map(claimNow);
}

/** By key for each; a join may be done by looking at every claim for each. */
const detailOf = (rows: string) => sql`(
  SELECT a.detail FROM allocations a WHERE a.kind = 'claim' AND a.key = ${sql.ref(`${rows}.key`)}) AS detail`;

const claimNow = ({ key, detail }: { key: string; detail: string | null }): ClaimNow => [
  key,
  detail === null ? null : claimOf(key, JSON.parse(detail) as Parameters),
];

export async function countHosts(db: Db): Promise<number> {
  const { rows } = await sql<{ hosts: number }>`SELECT count(*) AS hosts FROM hosts`.execute(db);
  return Number(rows[0]?.hosts ?? 0);
}

export async function countClaims(db: Db): Promise<number> {
  const { rows } = await sql<{ claims: number }>`
    SELECT count(*) AS claims FROM allocations WHERE kind = 'claim'`.execute(db);
  return Number(rows[0]?.claims ?? 0);
}

/** Forgets changes that every scheduler has read, or has been away for so long that it reads everything anew. */
export async function forgetChanges(db: Db, before: number): Promise<void> {
  const changes = cloudTables(db);
  const newest = changes.selectFrom('claim_changes').select(({ fn }) => fn.max('change').as('change'));
  // The newest stays, since a mark must not be given again.
  await changes
    .deleteFrom('claim_changes')
    .where('created', '<', before)
    .where('change', '<', newest)
    .execute();
}
