import { sql } from 'kysely';
import type { Parameters } from '../../message/message.ts';
import { assertUnchanged, type Versions } from '../../message/version/version.ts';
import type { Store } from '../../store/store.ts';
import type { Tx } from '../../store/tx.ts';
import { NO_USE, sumOf, type Use, useOf } from './use.ts';

/** What a project may have; null for no limit. */
export interface QuotaLimits {
  readonly vms: number | null;
  readonly cpuMilli: number | null;
  readonly memMib: number | null;
  readonly addresses: number | null;
  /** Accepted in one minute of the clock. */
  readonly messagesPerMinute: number | null;
  /** That wait for a worker. */
  readonly queued: number | null;
}

export interface Quota {
  readonly project: string;
  readonly limits: QuotaLimits;
  readonly used: Use;
  /** Messages accepted in this minute; counted only where there is a limit. */
  readonly messages: number;
}

export interface QuotaRow {
  project: string;
  vms: number | null;
  cpu_milli: number | null;
  mem_mib: number | null;
  addresses: number | null;
  messages_per_minute: number | null;
  queued: number | null;
  vms_used: number;
  cpu_milli_used: number;
  mem_mib_used: number;
  addresses_used: number;
  minute: number;
  messages: number;
}

const NO_LIMITS: QuotaLimits = {
  vms: null,
  cpuMilli: null,
  memMib: null,
  addresses: null,
  messagesPerMinute: null,
  queued: null,
};

const number = (value: number | null): number | null => (value === null ? null : Number(value));

/** The quota of a project, and how much of it is in use. A project without one has no limits; its use is counted now. */
export function quotaOf(store: Pick<Store, 'reader' | 'now'>, project: string): Promise<Quota> {
  return readQuota(store.reader, project, store.now());
}

/** What the project may have, without a count of what it has: that takes time where it has much. */
export async function limitsOf({ reader }: Pick<Store, 'reader'>, project: string): Promise<QuotaLimits> {
  const row = await quotaRow(reader, project);
  return row === undefined ? NO_LIMITS : limitsIn(row);
}

async function quotaRow(db: Tx['db'], project: string): Promise<QuotaRow | undefined> {
  return (await sql<QuotaRow>`SELECT * FROM quotas WHERE project = ${project}`.execute(db)).rows[0];
}

const limitsIn = (row: QuotaRow): QuotaLimits => ({
  vms: number(row.vms),
  cpuMilli: number(row.cpu_milli),
  memMib: number(row.mem_mib),
  addresses: number(row.addresses),
  messagesPerMinute: number(row.messages_per_minute),
  queued: number(row.queued),
});

async function readQuota(db: Tx['db'], project: string, now: number): Promise<Quota> {
  const row = await quotaRow(db, project);
  if (row === undefined)
    return { project, limits: NO_LIMITS, used: await countedUse(db, project), messages: 0 };
  return {
    project,
    limits: limitsIn(row),
    used: {
      vms: Number(row.vms_used),
      cpuMilli: Number(row.cpu_milli_used),
      memMib: Number(row.mem_mib_used),
      addresses: Number(row.addresses_used),
    },
    messages: Number(row.minute) === Math.floor(now / 60_000) ? Number(row.messages) : 0,
  };
}

/**
 * Changes limits of a project, and counts what it has anew. What it has more than that stays; it gets nothing more until it has
 * less.
 */
export async function changeQuota(
  store: Pick<Store, 'transact'>,
  project: string,
  changes: Partial<QuotaLimits>,
  seenAs?: Versions,
): Promise<void> {
  await store.transact(async tx => {
    const { limits: before } = await readQuota(tx.db, project, tx.now);
    assertUnchanged(before, seenAs, `quota of ${project}`);
    const limits = { ...before, ...changes };
    if (Object.values(limits).every(limit => limit === null)) {
      await sql`DELETE FROM quotas WHERE project = ${project}`.execute(tx.db);
      return;
    }
    const { vms, cpuMilli, memMib, addresses, messagesPerMinute, queued } = limits;
    const used = await countedUse(tx.db, project);
    await sql`
      INSERT INTO quotas (project, vms, cpu_milli, mem_mib, addresses, messages_per_minute, queued,
        vms_used, cpu_milli_used, mem_mib_used, addresses_used, minute, messages)
      VALUES (${project}, ${vms}, ${cpuMilli}, ${memMib}, ${addresses}, ${messagesPerMinute}, ${queued},
        ${used.vms}, ${used.cpuMilli}, ${used.memMib}, ${used.addresses}, 0, 0)
      ON CONFLICT (project) DO UPDATE SET vms = excluded.vms, cpu_milli = excluded.cpu_milli, mem_mib = excluded.mem_mib,
        addresses = excluded.addresses, messages_per_minute = excluded.messages_per_minute, queued = excluded.queued,
        vms_used = excluded.vms_used, cpu_milli_used = excluded.cpu_milli_used, mem_mib_used = excluded.mem_mib_used,
        addresses_used = excluded.addresses_used`.execute(tx.db);
  });
}

/** What the messages of a project hold, added up. */
async function countedUse(db: Tx['db'], project: string): Promise<Use> {
  const { rows } = await sql<{ kind: string; detail: string }>`
    SELECT a.kind, a.detail FROM allocations a JOIN messages m ON m.msgid = a.msgid
    WHERE m.project = ${project} AND a.kind IN ('claim', 'vm', 'ip')`.execute(db);
  if (rows.length === 0) return NO_USE;
  return sumOf(rows.map(({ kind, detail }) => useOf(kind, JSON.parse(detail) as Parameters)));
}
