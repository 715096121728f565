import type { Tx } from '../../store/tx.ts';
import type { AgentReport } from './agent-report.ts';
import { type AgentRow, agentTables } from './schema.ts';
import { isToReturn } from './take-report.ts';

/** A host's agent, for people. Times are ISO 8601; null before its first report. */
export interface AgentView {
  readonly version: string;
  readonly address: string;
  readonly enrolled: string;
  /** Its key opens nothing any more. */
  readonly revoked: boolean;
  readonly bootId: string;
  readonly lastReport: string | null;
  readonly leaseUntil: string | null;
  /** It is started anew, and has until then to be back; null when it is not. */
  readonly returnsUntil: string | null;
  readonly live: AgentReport['live'] | null;
  /** How many guests it reported, running or stopped. */
  readonly guests: number | null;
}

/** The agent of each host that has one: of these hosts, or of all. */
export async function agentViews(
  { db }: Pick<Tx, 'db'>,
  hosts?: readonly string[],
): Promise<ReadonlyMap<string, AgentView>> {
  const all = agentTables(db).selectFrom('agents').selectAll();
  const rows = await (hosts === undefined ? all : all.where('host', 'in', [...hosts])).execute();
  return new Map(rows.map(row => [row.host, agentView(row)]));
}

function agentView(row: AgentRow): AgentView {
  const report = row.report === '' ? null : (JSON.parse(row.report) as AgentReport);
  return {
    version: row.version,
    address: row.address,
    enrolled: iso(row.enrolled),
    revoked: row.public_key === '',
    bootId: row.boot_id,
    lastReport: Number(row.seen) === 0 ? null : iso(row.seen),
    leaseUntil: Number(row.lease_until) === 0 ? null : iso(row.lease_until),
    returnsUntil: isToReturn(Number(row.seen), Number(row.lease_until)) ? iso(row.lease_until) : null,
    live: report?.live ?? null,
    guests: report?.guests.length ?? null,
  };
}

const iso = (time: number): string => new Date(Number(time)).toISOString();
