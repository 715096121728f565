import { sql } from 'kysely';
import type { Tx } from '../../store/tx.ts';
import { jsonRows, nextMark } from '../change-marks.ts';
import { rememberedHosts } from '../hosts/host-state.ts';
import { cloudTables, type HostRow } from '../schema.ts';
import type { CellUse } from './device-use.ts';

/** A host that this server runs, as it is at this start. */
export interface HostSpec {
  readonly name: string;
  readonly cpuTotal: number;
  readonly cpuOvercommit: number;
  readonly memTotalMib: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly zone: string;
  readonly network: string;
  /** Why it cannot take VMs; empty when it can. */
  readonly reason: string;
  readonly hypervisor: HostRow['hypervisor'];
  readonly accelerator: string;
  readonly simulated: boolean;
  /** What not every host tells. Nothing is kept for the host itself, and no limit set, where it is absent. */
  readonly cpuReservedMilli?: number;
  readonly memOvercommit?: number;
  readonly memReservedMib?: number;
  readonly diskTotalMib?: number;
  readonly diskReservedMib?: number;
  readonly rack?: string;
  readonly gpuModel?: string;
  /** Thousandths of each GPU: 1000 is a whole one. */
  readonly gpus?: readonly number[];
  /** NUMA cells. */
  readonly numa?: readonly CellUse[];
  readonly vmsMax?: number;
}

/** Rows of one statement. */
const PAGE = 500;

/** Writes the hosts, keeping what is claimed of each. One that a person drains, or has declared lost, stays so. */
export async function registerHosts(tx: Tx, specs: readonly HostSpec[]): Promise<void> {
  const db = cloudTables(tx.db);
  const known = await knownHosts(tx, specs);
  const remembered = await rememberedHosts(tx);
  const fresh = specs.filter(({ name }) => !known.has(name)).map(spec => freshRow(spec, tx.now));
  for (let at = 0; at < fresh.length; at += PAGE) {
    const rows = fresh.slice(at, at + PAGE).map(row => ({ ...row, changed: nextMark(tx.db) }));
    await db.insertInto('hosts').values(rows).execute();
  }
  const same: string[] = [];
  for (const spec of specs) {
    const row = known.get(spec.name);
    if (!row) continue;
    const facts = factsOf(spec, row, remembered);
    if (isSame(row, facts)) same.push(spec.name);
    else
      await db
        .updateTable('hosts')
        .set({ ...facts, seen: tx.now, changed: nextMark(tx.db) })
        .where('name', '=', spec.name)
        .execute();
  }
  if (same.length > 0) {
    const names = sql<string>`(SELECT value ->> 0 FROM ${jsonRows(
      tx.db,
      same.map(name => [name]),
    )})`;
    await db.updateTable('hosts').set({ seen: tx.now }).where('name', 'in', names).execute();
  }
}

async function knownHosts(tx: Tx, specs: readonly HostSpec[]): Promise<ReadonlyMap<string, HostRow>> {
  const names = sql<string>`(SELECT value ->> 0 FROM ${jsonRows(
    tx.db,
    specs.map(({ name }) => [name]),
  )})`;
  const rows = await cloudTables(tx.db).selectFrom('hosts').selectAll().where('name', 'in', names).execute();
  return new Map(rows.map(row => [row.name, row]));
}

/** What the server says of a host at its start. */
function factsOf(spec: HostSpec, known: HostRow | null, remembered: Remembered | null) {
  return {
    cpu_total: spec.cpuTotal,
    cpu_overcommit: spec.cpuOvercommit,
    cpu_reserved_milli: spec.cpuReservedMilli ?? 0,
    mem_total_mib: spec.memTotalMib,
    mem_overcommit: spec.memOvercommit ?? 1,
    mem_reserved_mib: spec.memReservedMib ?? 0,
    disk_total_mib: spec.diskTotalMib ?? 0,
    disk_reserved_mib: spec.diskReservedMib ?? 0,
    gpu_model: spec.gpuModel ?? '',
    gpus: JSON.stringify(spec.gpus ?? []),
    numa: JSON.stringify(spec.numa ?? []),
    vms_max: spec.vmsMax ?? 0,
    labels: JSON.stringify(spec.labels),
    zone: spec.zone,
    rack: spec.rack ?? '',
    network: spec.network,
    ...stateNow(spec, known, remembered),
    hypervisor: spec.hypervisor,
    accelerator: spec.accelerator,
    simulated: Number(spec.simulated),
  };
}

type Remembered = Awaited<ReturnType<typeof rememberedHosts>>;

/** One that is lost, or away, comes back by a message that first compares its guests with the record. */
function stateNow(
  { name, reason }: HostSpec,
  known: HostRow | null,
  remembered: Remembered | null,
): Pick<HostRow, 'state' | 'reason'> {
  const same = known && { state: known.state, reason: known.reason };
  if (same?.state === 'lost') return same;
  if (reason) return { state: 'down', reason };
  if (same?.state === 'draining' || (same?.state === 'down' && remembered?.away.has(name))) return same;
  return { state: remembered?.draining.has(name) ? 'draining' : 'up', reason: '' };
}

/** Engines give wide integers as text now and then, hence String(). */
function isSame(row: HostRow, facts: ReturnType<typeof factsOf>): boolean {
  const names = Object.keys(facts) as (keyof typeof facts)[];
  return names.every(name => String(row[name]) === String(facts[name]));
}

function freshRow(spec: HostSpec, now: number) {
  return {
    name: spec.name,
    cpu_used: 0,
    cpu_used_milli: 0,
    mem_used_mib: 0,
    disk_used_mib: 0,
    gpu_used: '[]',
    numa_used: '[]',
    vms: 0,
    io_load: 0,
    agent: 0,
    created: now,
    seen: now,
    ...factsOf(spec, null, null),
  };
}

/** Marks hosts as down that this server does not run any more. */
export async function retireHosts(tx: Tx, names: readonly string[], reason: string): Promise<void> {
  if (names.length === 0) return;
  const gone = sql<string>`(SELECT value ->> 0 FROM ${jsonRows(
    tx.db,
    names.map(name => [name]),
  )})`;
  await cloudTables(tx.db)
    .updateTable('hosts')
    .set({ state: 'down', reason, changed: nextMark(tx.db) })
    .where('name', 'in', gone)
    .where('state', '!=', 'lost')
    .execute();
}
