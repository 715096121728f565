import { type RawBuilder, sql } from 'kysely';
import type { Parameters } from '../../message/message.ts';
import type { PlacementClaim, Room } from '../../placement/claim.ts';
import type { Tx } from '../../store/tx.ts';
import { allocateAll, countedOf, type Holder, inserting, type NewAllocation } from '../allocations.ts';
import { isOneOf, isPostgres, jsonRows, locked, nextMark } from '../change-marks.ts';
import { countUse } from '../quota/accounts.ts';
import { MOVING } from '../quota/use.ts';
import { cloudTables } from '../schema.ts';
import { claimDetail, claimKey, claimOf } from './claim-detail.ts';
import { type DeviceUse, withRoom } from './device-use.ts';

/** A choice that is to be claimed, and for whom. */
export interface HostClaim extends PlacementClaim {
  readonly holder: Holder;
  /** What the same step holds besides: the VM's name. */
  readonly beside?: { readonly kind: string; readonly key: string; readonly detail: Parameters };
  /** Room for a VM that has room already, where it comes from: no quota counts it. */
  readonly moving?: boolean;
}

export interface ClaimsMade {
  /** Ids of those whose host had not so much left, or is not up. */
  readonly lost: ReadonlySet<string>;
  /** Ids of those that hold their room while `beside` was taken by another: the transaction must not be kept. */
  readonly refused: ReadonlySet<string>;
}

/** Claims of one host, together. */
interface Ask {
  readonly host: string;
  readonly claims: readonly HostClaim[];
}

/**
 * Claims a batch of choices with three statements, with PostgreSQL one, however many they are (one more where GPUs or NUMA cells are claimed). The
 * store checks every figure, `used + asked <= limit`, so whatever a scheduler believed of a host, nothing is given out
 * twice. Those that are lost have written nothing.
 *
 * A host that another transaction is claiming of is waited for. Who holds hosts already must not wait for one that comes
 * before them in order, or two would wait for each other: without `patient` such a host counts as lost.
 */
export async function claimHosts(
  tx: Tx,
  claims: readonly HostClaim[],
  { patient = true }: { patient?: boolean } = {},
): Promise<ClaimsMade> {
  // Everybody takes hosts in the same order, so that two transactions do not wait for each other.
  const asks = [...Map.groupBy(claims, ({ host }) => host)]
    .map(([host, of]) => ({ host, claims: of }))
    .sort((a, b) => (a.host < b.host ? -1 : 1));
  const lost = new Set<string>();
  const { took, made } = await takeAll(tx, asks, patient);
  const held = asks.filter(({ host }) => took.has(host)).flatMap(({ claims: of }) => of);
  const alone: HostClaim[] = [];
  // Together they were too much; some of them may have room.
  for (const ask of asks) {
    if (took.has(ask.host)) continue;
    for (const claim of ask.claims) {
      const one = { host: ask.host, claims: [claim] };
      const isTaken = ask.claims.length > 1 && (await take(tx, [one], !tx.beside)).size > 0;
      if (isTaken) alone.push(claim);
      else lost.add(claim.id);
    }
  }
  const unwritten = made === null ? [...held, ...alone] : alone;
  const written = (await insert(tx, unwritten.flatMap(allocationsOf))).union(made ?? new Set<string>());
  return { lost, refused: await settle(tx, [...held, ...alone], written) };
}

/** Names of the hosts that had so much left, and `kind key` of what was written of the claims on them; null: nothing was yet. */
interface Taken {
  readonly took: ReadonlySet<string>;
  readonly made: ReadonlySet<string> | null;
}

/** Adds to what is used of each host, where that much is left. PostgreSQL writes the claims on those with the same statement. */
async function takeAll(tx: Tx, asks: readonly Ask[], patient: boolean): Promise<Taken> {
  if (!isPostgres(tx.db)) return { took: await take(tx, asks, patient), made: null };
  const taking = await takingOf(tx, asks, patient);
  if (taking === null) return { took: new Set(), made: new Set() };
  const wanted = asks.flatMap(({ claims }) => claims).flatMap(allocationsOf);
  const { rows } = await sql<{ kind: string; key: string }>`
    WITH took AS (${taking}), made AS (${inserting(tx, wanted, sql`value ->> 4 = ANY (ARRAY(SELECT name FROM took))`)}),
    beside AS (${noteMade(tx)})
    SELECT '' AS kind, name AS key FROM took UNION ALL SELECT kind, key FROM made`.execute(tx.db);
  const took = new Set(rows.flatMap(({ kind, key }) => (kind === '' ? [key] : [])));
  const made = new Set(rows.flatMap(({ kind, key }) => (kind === '' ? [] : [`${kind} ${key}`])));
  await countUse(tx, wanted.filter(({ kind, key }) => made.has(`${kind} ${key}`)).map(countedOf), 1);
  return { took, made };
}

/** Adds to what is used of each host, where that much is left; gives the names of the hosts where it was. */
async function take(tx: Tx, asks: readonly Ask[], patient: boolean): Promise<ReadonlySet<string>> {
  const taking = await takingOf(tx, asks, patient);
  if (taking === null) return new Set();
  return new Set((await taking.execute(tx.db)).rows.map(({ name }) => name));
}

/** The statement that does; null where no host comes into question. */
async function takingOf(
  tx: Tx,
  given: readonly Ask[],
  patient: boolean,
): Promise<RawBuilder<{ name: string }> | null> {
  const asks = patient || !isPostgres(tx.db) ? given : await untaken(tx, given);
  const devices = await newDeviceUse(tx, asks);
  const rows = asks.flatMap(({ host, claims }) => {
    const use = devices.get(host);
    if (use === null) return [];
    return [
      [
        host,
        ...sums(claims, 1),
        use?.was.gpu_used,
        use?.was.numa_used,
        use?.now.gpu_used,
        use?.now.numa_used,
      ],
    ];
  });
  if (rows.length === 0) return null;
  return sql<{ name: string }>`
    UPDATE hosts SET
      cpu_used = cpu_used + c.cpu,
      cpu_used_milli = cpu_used_milli + c.milli,
      mem_used_mib = mem_used_mib + c.mem,
      disk_used_mib = disk_used_mib + c.disk,
      vms = vms + c.claims,
      gpu_used = coalesce(c.gpu_new, gpu_used),
      numa_used = coalesce(c.numa_new, numa_used)
    FROM (${asked(tx, rows)}) AS c
    WHERE name = c.host AND state = 'up'
      AND (c.cpu + c.milli = 0 OR
        (cpu_used + c.cpu) * 1000 + cpu_used_milli + c.milli <= (cpu_total * 1000 - cpu_reserved_milli) * cpu_overcommit)
      AND (c.mem = 0 OR mem_used_mib + c.mem <= (mem_total_mib - mem_reserved_mib) * mem_overcommit)
      AND (c.disk = 0 OR disk_used_mib + c.disk <= disk_total_mib - disk_reserved_mib)
      AND (vms_max = 0 OR vms + c.claims <= vms_max)
      AND (c.gpu_was IS NULL OR (gpu_used = c.gpu_was AND numa_used = c.numa_was))
    RETURNING name`;
}

/** Those whose host no other transaction has in its hands; nobody takes it meanwhile. */
async function untaken(tx: Tx, asks: readonly Ask[]): Promise<readonly Ask[]> {
  const rows = await cloudTables(tx.db)
    .selectFrom('hosts')
    .select('name')
    .where(
      'name',
      'in',
      asks.map(({ host }) => host),
    )
    .forNoKeyUpdate()
    .skipLocked()
    .execute();
  const free = new Set(rows.map(({ name }) => name));
  return asks.filter(({ host }) => free.has(host));
}

const asked = (tx: Tx, rows: readonly unknown[]) => sql`
  SELECT value ->> 0 AS host, CAST(value ->> 1 AS bigint) AS cpu, CAST(value ->> 2 AS bigint) AS milli,
    CAST(value ->> 3 AS bigint) AS mem, CAST(value ->> 4 AS bigint) AS disk, CAST(value ->> 5 AS bigint) AS claims,
    value ->> 6 AS gpu_was, value ->> 7 AS numa_was, value ->> 8 AS gpu_new, value ->> 9 AS numa_new
  FROM ${jsonRows(tx.db, rows)}`;

/** CPUs, thousandths beyond, memory, disk, and how many they are. */
function sums(claims: readonly Room[], sign: 1 | -1): number[] {
  let cpu = 0;
  let milli = 0;
  let mem = 0;
  let disk = 0;
  for (const { cpuMilli, memMib, diskMib } of claims) {
    cpu += Math.floor(cpuMilli / 1000);
    milli += cpuMilli % 1000;
    mem += memMib;
    disk += diskMib;
  }
  return [cpu, milli, mem, disk, claims.length].map(sum => sign * sum);
}

const hasDevices = ({ devices, cell }: Room): boolean => devices.length > 0 || cell >= 0;

/** Use of GPUs and cells as it stands and as it would be; null for a host where it would be too much. */
async function newDeviceUse(
  tx: Tx,
  asks: readonly Ask[],
): Promise<Map<string, { was: DeviceUse; now: DeviceUse } | null>> {
  const wanted = asks.filter(({ claims }) => claims.some(hasDevices));
  const uses = new Map<string, { was: DeviceUse; now: DeviceUse } | null>();
  if (wanted.length === 0) return uses;
  const rows = await cloudTables(tx.db)
    .selectFrom('hosts')
    .select(['name', 'gpus', 'gpu_used', 'numa', 'numa_used'])
    .where(
      'name',
      'in',
      wanted.map(({ host }) => host),
    )
    .execute();
  for (const { host, claims } of wanted) {
    const row = rows.find(({ name }) => name === host);
    const now = row ? withRoom(row, row, claims, 1) : null;
    uses.set(host, row && now ? { was: row, now } : null);
  }
  return uses;
}

/** Sees to what was not written of claims; gives the ids of those whose `beside` was taken already. */
async function settle(tx: Tx, claims: readonly HostClaim[], made: ReadonlySet<string>): Promise<Set<string>> {
  let written = made;
  const again = claims.filter(({ id }) => !written.has(`claim ${id}`));
  if (again.length > 0) {
    // A person had the walk back skip this step, and the message came forward again: the old claim makes way.
    await giveBack(
      tx,
      again.map(({ id }) => id),
    );
    written = written.union(await insert(tx, again.map(allocationOfClaim)));
  }
  return new Set(
    claims.flatMap(({ id, beside }) => (beside && !written.has(`${beside.kind} ${beside.key}`) ? [id] : [])),
  );
}

/** What a claim holds, and of which host. */
interface OfHost extends NewAllocation {
  readonly host: string;
}

const allocationsOf = (claim: HostClaim): OfHost[] => {
  const { beside, holder, host } = claim;
  return [allocationOfClaim(claim), ...(beside ? [{ ...beside, holder, host }] : [])];
};

const allocationOfClaim = ({ holder, beside: _, moving, ...claim }: HostClaim): OfHost => ({
  kind: 'claim',
  key: claim.id,
  holder,
  detail: { ...claimDetail(claim), ...(moving && MOVING) },
  host: claim.host,
});

/** Writes allocations, counts them, and tells of the claims among them. Gives `kind key` of what was written. */
async function insert(tx: Tx, wanted: readonly NewAllocation[]): Promise<ReadonlySet<string>> {
  if (wanted.length === 0) return new Set();
  const notes = isPostgres(tx.db);
  const made = await allocateAll(tx, wanted, notes ? noteMade(tx) : undefined);
  const written = wanted.filter(({ kind, key }) => made.has(`${kind} ${key}`));
  await countUse(tx, written.map(countedOf), 1);
  if (!notes) {
    await noteClaims(
      tx,
      written.flatMap(({ kind, key }) => (kind === 'claim' ? [key] : [])),
    );
  }
  return made;
}

/** Notes the claims among those that the same statement makes. */
const noteMade = (tx: Tx) => sql`
  INSERT INTO claim_changes (change, key, created)
  SELECT ${nextMark(tx.db)}, key, CAST(${tx.now} AS bigint) FROM made WHERE kind = 'claim' ON CONFLICT DO NOTHING`;

/** Tells every scheduler that those claims were made, changed, or given back. */
export async function noteClaims(tx: Tx, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  await sql`
    INSERT INTO claim_changes (change, key, created)
    SELECT ${nextMark(tx.db)}, value ->> 0, CAST(${tx.now} AS bigint)
    FROM ${jsonRows(
      tx.db,
      keys.map(key => [key]),
    )} WHERE true ON CONFLICT DO NOTHING`.execute(tx.db);
}

/** Gives back what the step has claimed of hosts, and tells what it was. None when it has claimed nothing. */
export async function releaseHosts(tx: Tx, holder: Holder): Promise<readonly PlacementClaim[]> {
  const key = claimKey(holder);
  return await release(
    tx,
    sql`msgid = ${holder.msgid} AND kind = 'claim' AND (key = ${key} OR key LIKE ${`${key}.%`})`,
  );
}

/** Gives back claims by their keys. */
export async function giveBack(tx: Tx, keys: readonly string[]): Promise<void> {
  await release(tx, sql`kind = 'claim' AND key ${isOneOf(tx.db, keys)}`);
}

async function release(tx: Tx, which: RawBuilder<unknown>): Promise<readonly PlacementClaim[]> {
  const { rows } = await sql<{ key: string; msgid: number; detail: string }>`
    DELETE FROM allocations WHERE ${which} RETURNING key, msgid, detail`.execute(tx.db);
  const gone = rows.map(({ key, msgid, detail }) => {
    return { kind: 'claim', key, msgid: Number(msgid), detail: JSON.parse(detail) as Parameters };
  });
  await countUse(tx, gone, -1);
  await noteClaims(
    tx,
    rows.map(({ key }) => key),
  );
  const claims = gone.map(({ key, detail }) => claimOf(key, detail));
  for (const [host, of] of Map.groupBy(claims, claim => claim.host)) await leave(tx, host, of);
  return claims;
}

/** Takes claims off what is used of their host. */
async function leave(tx: Tx, host: string, claims: readonly Room[]): Promise<void> {
  const [cpu, milli, mem, disk, count] = sums(claims, -1) as [number, number, number, number, number];
  const db = cloudTables(tx.db);
  let use: Partial<DeviceUse> = {};
  if (claims.some(hasDevices)) {
    const query = db.selectFrom('hosts').selectAll().where('name', '=', host);
    const row = await locked(tx, query).executeTakeFirst();
    if (row) use = withRoom(row, row, claims, -1) ?? {};
  }
  await db
    .updateTable('hosts')
    .set(eb => ({
      cpu_used: eb('cpu_used', '+', cpu),
      cpu_used_milli: eb('cpu_used_milli', '+', milli),
      mem_used_mib: eb('mem_used_mib', '+', mem),
      disk_used_mib: eb('disk_used_mib', '+', disk),
      vms: eb('vms', '+', count),
      ...use,
    }))
    .where('name', '=', host)
    .execute();
}
