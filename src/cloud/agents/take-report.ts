import { canonical } from '../../message/canonical.ts';
import type { Json } from '../../message/message.ts';
import type { Store } from '../../store/store.ts';
import type { Tx } from '../../store/tx.ts';
import { cloudTables, type HostState } from '../schema.ts';
import { isSlotDue, keepSlot } from '../use/use-history.ts';
import type { AgentFacts, AgentReport, ReportedGuest } from './agent-report.ts';
import { type HostNetworkRow, networkAt, registerAgentHost } from './host-of-agent.ts';
import { agentTables } from './schema.ts';

/** A host that is not heard of for so long is down. */
const AGENT_LEASE_MS = 20_000;
/** An agent that is started anew has so long to be back. Another length than any other lease: it tells why the host was silent. */
export const RETURN_MS = 30_000;

/** Whether a host's lease is that of an agent that is being started anew. */
export const isToReturn = (seen: number, leaseUntil: number): boolean =>
  seen > 0 && leaseUntil === seen + RETURN_MS;

export interface ReportTaken {
  readonly state: HostState;
  readonly reason: string;
  readonly leaseMs: number;
  readonly network: HostNetworkRow | null;
}

/**
 * Keeps a host's report and renews its lease. Where the host is as it was, that is one small write that nobody waits for
 * the disk for: thousands of hosts report every few seconds. Null when the host has no key any more.
 */
export async function takeReport(
  store: Store,
  host: string,
  report: AgentReport,
): Promise<ReportTaken | null> {
  const known = await knownAgent(store.reader, host);
  if (known === null) return null;
  const row = {
    version: report.version,
    address: report.address,
    boot_id: report.bootId,
    seen: store.now(),
    lease_until: store.now() + AGENT_LEASE_MS,
    report: JSON.stringify({ ...report, guests: sinceWhen(report.guests, known, store.now()) }),
  };
  const write = async (db: Tx['db']): Promise<void> => {
    await writeAgent(db, host, row);
    const uses = report.guests.flatMap(({ uuid, use }) => (use ? [[uuid, use] as const] : []));
    if (uses.length > 0 && isSlotDue(known.seen, row.seen))
      await keepSlot(db, host, row.seen, Object.fromEntries(uses));
  };
  if (isAsBefore(known, report)) await store.jot(write);
  else {
    await store.transact(async tx => {
      // Revoked meanwhile: it does not come up again by this report.
      if ((await knownAgent(tx.db, host)) === null) return;
      await registerAgentHost(tx, host, report.facts);
      await write(tx.db);
    });
  }
  const now = await cloudTables(store.reader)
    .selectFrom('hosts')
    .select(['state', 'reason'])
    .where('name', '=', host)
    .executeTakeFirstOrThrow();
  const network = await networkAt({ db: store.reader }, host);
  return { ...now, leaseMs: AGENT_LEASE_MS, network };
}

interface KnownAgent {
  readonly state: HostState;
  readonly reason: string;
  /** What it last said that it has; null before its first report. */
  readonly facts: AgentFacts | null;
  readonly guests: readonly ReportedGuest[];
  /** When that was; 0 before it. */
  readonly seen: number;
}

async function knownAgent(db: Tx['db'], host: string): Promise<KnownAgent | null> {
  const agent = await agentTables(db)
    .selectFrom('agents')
    .select(['report', 'public_key', 'seen'])
    .where('host', '=', host)
    .executeTakeFirst();
  const row = await cloudTables(db)
    .selectFrom('hosts')
    .select(['state', 'reason'])
    .where('name', '=', host)
    .executeTakeFirst();
  if (agent === undefined || row === undefined || agent.public_key === '') return null;
  const seen = Number(agent.seen);
  if (agent.report === '') return { ...row, facts: null, guests: [], seen };
  const { facts, guests } = JSON.parse(agent.report) as AgentReport;
  return { ...row, facts, guests, seen };
}

/** The guests, each with the time since when it was told to be in its state. */
function sinceWhen(
  guests: readonly ReportedGuest[],
  { guests: before, seen }: KnownAgent,
  now: number,
): ReportedGuest[] {
  const known = new Map(before.map(guest => [guest.uuid, guest]));
  return guests.map(guest => {
    const was = known.get(guest.uuid);
    return { ...guest, since: was?.state === guest.state ? (was.since ?? seen) : now };
  });
}

/** Nothing of what placement knows of the host changes by that report. */
function isAsBefore({ state, reason, facts }: KnownAgent, report: AgentReport): boolean {
  const { fault } = report.facts;
  const isSettled = fault === '' ? state !== 'down' : state === 'down' && reason === fault;
  return isSettled && facts !== null && textOf(facts) === textOf(report.facts);
}

const textOf = (facts: AgentFacts): string => canonical(facts as unknown as Json);

/** A key that was revoked meanwhile renews nothing. */
async function writeAgent(
  db: Tx['db'],
  host: string,
  row: { seen: number; lease_until: number; report: string },
): Promise<void> {
  await agentTables(db)
    .updateTable('agents')
    .set(row)
    .where('host', '=', host)
    .where('public_key', '!=', '')
    .execute();
}
