import { sql } from 'kysely';
import type { Allocation } from '../../store/store.ts';
import type { Tx } from '../../store/tx.ts';
import { allocationOf } from '../allocations.ts';
import type { QuotaRow } from '../quota/quotas.ts';
import { cloudTables, type FreeRangeRow, type HostRow, type NetworkRow } from '../schema.ts';

/** All that the cloud has written down, as of one moment. */
export interface Books {
  readonly hosts: readonly HostRow[];
  readonly networks: readonly NetworkRow[];
  readonly freeRanges: readonly FreeRangeRow[];
  readonly claims: readonly Allocation[];
  readonly addresses: readonly Allocation[];
  readonly vms: readonly Allocation[];
  readonly uses: readonly Allocation[];
  /** Room that is being made for requests. */
  readonly preemptions: readonly Allocation[];
  /** Phase of every message that holds something; a message that does not exist is missing here. */
  readonly phases: ReadonlyMap<number, string>;
  /** Their projects. */
  readonly projects: ReadonlyMap<number, string>;
  readonly quotas: readonly QuotaRow[];
}

/** Reads them in one transaction, so that work under way is never half seen. */
export async function readBooks(tx: Tx): Promise<Books> {
  const db = cloudTables(tx.db);
  const of = async (kind: string): Promise<Allocation[]> =>
    (await db.selectFrom('allocations').selectAll().where('kind', '=', kind).orderBy('key').execute()).map(
      allocationOf,
    );
  const hosts = await db.selectFrom('hosts').selectAll().orderBy('name').execute();
  const networks = await db.selectFrom('networks').selectAll().orderBy('name').execute();
  const freeRanges = await db
    .selectFrom('free_ranges')
    .selectAll()
    .orderBy('network')
    .orderBy('low')
    .execute();
  const claims = await of('claim');
  const addresses = await of('ip');
  const vms = await of('vm');
  const uses = await of('use');
  const preemptions = await of('preemption');
  const holders = await tx.db
    .selectFrom('messages')
    .select(['msgid', 'phase', 'project'])
    .where('msgid', 'in', db.selectFrom('allocations').select('msgid'))
    .execute();
  const phases = new Map(holders.map(row => [Number(row.msgid), String(row.phase)]));
  const projects = new Map(holders.map(row => [Number(row.msgid), String(row.project)]));
  const { rows: quotas } = await sql<QuotaRow>`SELECT * FROM quotas ORDER BY project`.execute(tx.db);
  return {
    hosts,
    networks,
    freeRanges,
    claims,
    addresses,
    vms,
    uses,
    preemptions,
    phases,
    projects,
    quotas,
  };
}
