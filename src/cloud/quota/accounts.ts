import { sql } from 'kysely';
import type { Parameters } from '../../message/message.ts';
import { Terminal } from '../../step/step-errors.ts';
import type { Tx } from '../../store/tx.ts';
import { isOneOfNumbers, isPostgres, jsonRows } from '../change-marks.ts';
import { type Use, useOf } from './use.ts';

/** What a message's step is to hold more. */
export interface Need {
  readonly msgid: number;
  readonly use: Use;
}

/** An allocation that was written or taken out. */
interface Counted {
  readonly kind: string;
  readonly msgid: number;
  readonly detail: Parameters;
}

interface AccountRow {
  project: string;
  msgid: number;
  vms: number | null;
  cpu_milli: number | null;
  mem_mib: number | null;
  addresses: number | null;
  vms_used: number;
  cpu_milli_used: number;
  mem_mib_used: number;
  addresses_used: number;
}

const COUNTED = ['vms', 'cpu_milli', 'mem_mib', 'addresses'] as const;
type Column = (typeof COUNTED)[number];

const wantedOf = ({ vms, cpuMilli, memMib, addresses }: Use): Record<Column, number> => ({
  vms,
  cpu_milli: cpuMilli,
  mem_mib: memMib,
  addresses,
});

/** As people read them: of one, of many, and how much one is. */
const UNITS: Readonly<Record<Column, readonly [one: string, many: string, each: number]>> = {
  vms: ['VM', 'VMs', 1],
  cpu_milli: ['CPU', 'CPUs', 1000],
  mem_mib: ['MiB of memory', 'MiB of memory', 1],
  addresses: ['address', 'addresses', 1],
};

/**
 * Refuses what would go over the quota of a message's project. The project's account stays locked until the transaction ends, so
 * nobody else takes what is left. Errors: Terminal COAX_QUOTA_EXCEEDED.
 */
export async function assertQuota(tx: Tx, need: Need): Promise<void> {
  const [refusal] = await refusals(tx, [need]);
  if (refusal) throw refusal;
}

/**
 * For each need, in order, why it goes over its project's quota, or null; each is asked as if those before it that fit were
 * held. Counts nothing yet: that is done as the allocations are written.
 */
export async function refusals(tx: Tx, needs: readonly Need[]): Promise<(Terminal | null)[]> {
  if (!(await hasQuotas(tx))) return needs.map(() => null);
  const accounts = await lockAccounts(
    tx,
    needs.map(({ msgid }) => msgid),
  );
  return needs.map(({ msgid, use }) => {
    const account = accounts.get(msgid);
    if (account === undefined) return null;
    const wanted = wantedOf(use);
    const over = COUNTED.find(column => {
      const limit = account[column];
      return wanted[column] > 0 && limit !== null && account[`${column}_used`] + wanted[column] > limit;
    });
    if (over !== undefined) return exceeded(account, over, wanted[over]);
    for (const column of COUNTED) account[`${column}_used`] += wanted[column];
    return null;
  });
}

function exceeded(account: AccountRow, column: Column, asked: number): Terminal {
  const [one, many, each] = UNITS[column];
  const limit = account[column] ?? 0;
  const used = account[`${column}_used`];
  return new Terminal(
    `project ${account.project} may have ${limit / each} ${limit === each ? one : many}; ${used / each} in use, ${asked / each} more asked for`,
    { code: 'COAX_QUOTA_EXCEEDED', detail: { project: account.project, quota: column, limit, used, asked } },
  );
}

/** In the order of the projects, so that two transactions do not wait for each other. */
async function lockAccounts(tx: Tx, msgids: readonly number[]): Promise<Map<number, AccountRow>> {
  const lock = isPostgres(tx.db) ? sql`FOR UPDATE OF q` : sql``;
  const { rows } = await sql<AccountRow>`
    SELECT q.*, m.msgid FROM messages m JOIN quotas q ON q.project = m.project
    WHERE m.msgid ${isOneOfNumbers(tx.db, msgids)} ORDER BY q.project ${lock}`.execute(tx.db);
  const byProject = new Map<string, AccountRow>();
  const byMessage = new Map<number, AccountRow>();
  for (const { msgid, ...row } of rows) {
    const account = byProject.get(row.project) ?? numbersOf(row);
    byProject.set(row.project, account);
    byMessage.set(Number(msgid), account);
  }
  return byMessage;
}

function numbersOf(row: Omit<AccountRow, 'msgid'>): AccountRow {
  const account = { ...row, msgid: 0 };
  for (const column of COUNTED) {
    account[column] = row[column] === null ? null : Number(row[column]);
    account[`${column}_used`] = Number(row[`${column}_used`]);
  }
  return account;
}

/** Counts allocations that were written (`sign` 1) or taken out (-1) for their messages' projects, as far as these have quotas. */
export async function countUse(tx: Tx, allocations: readonly Counted[], sign: 1 | -1): Promise<void> {
  if (allocations.length === 0 || !(await hasQuotas(tx))) return;
  const rows = allocations.map(({ kind, msgid, detail }) => {
    const { vms, cpuMilli, memMib, addresses } = useOf(kind, detail);
    return [msgid, ...[vms, cpuMilli, memMib, addresses].map(value => sign * value)];
  });
  await sql`
    UPDATE quotas SET vms_used = vms_used + c.vms, cpu_milli_used = cpu_milli_used + c.cpu_milli,
      mem_mib_used = mem_mib_used + c.mem_mib, addresses_used = addresses_used + c.addresses
    FROM (SELECT project, sum(vms) AS vms, sum(cpu_milli) AS cpu_milli, sum(mem_mib) AS mem_mib, sum(addresses) AS addresses
      FROM (SELECT (SELECT m.project FROM messages m WHERE m.msgid = CAST(value ->> 0 AS bigint)) AS project,
          CAST(value ->> 1 AS bigint) AS vms, CAST(value ->> 2 AS bigint) AS cpu_milli,
          CAST(value ->> 3 AS bigint) AS mem_mib, CAST(value ->> 4 AS bigint) AS addresses
        FROM ${jsonRows(tx.db, rows)}) AS each GROUP BY project) AS c
    WHERE quotas.project = c.project`.execute(tx.db);
}

const KNOWN = new WeakMap<Tx, Promise<boolean>>();

/**
 * Whether any project has a quota. Asked once in a transaction: what sets quotas is a transaction that runs beside no other, so
 * it stays so until the end.
 */
function hasQuotas(tx: Tx): Promise<boolean> {
  let known = KNOWN.get(tx);
  if (known === undefined) {
    known = sql`SELECT 1 FROM quotas LIMIT 1`.execute(tx.db).then(({ rows }) => rows.length > 0);
    KNOWN.set(tx, known);
  }
  return known;
}
