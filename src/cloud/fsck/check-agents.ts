import type { Allocation, Store, StoreTx } from '../../store/store.ts';
import { REAL_TIMERS, type Timers } from '../../store/timers.ts';
import type { AgentReport, ReportedGuest } from '../agents/agent-report.ts';
import { type AgentRow, agentTables } from '../agents/schema.ts';
import { busyVms, judge, recordedVm } from '../hosts/judge.ts';
import { owedTables } from '../owed/schema.ts';
import { cloudTables, type HostState } from '../schema.ts';
import type { FsckFault } from './fsck-fault.ts';
import { guestLeft, guestMissing } from './guest-faults.ts';
import { type StateDifference, stateNotes } from './state-differences.ts';

/** Reports begun before a suspicion say nothing of it; the second one that arrives after it was begun later. */
const NEWER_REPORTS = 2;
const LOOK_MS = 200;

export interface AgentsChecked {
  readonly faults: readonly FsckFault[];
  /** VMs in another state than is on record, and hosts whose report is old: one sentence each. */
  readonly notes: readonly string[];
}

type Suspect =
  | { readonly host: string; readonly fault: FsckFault }
  | { readonly host: string; readonly difference: StateDifference };

/**
 * Compares the guests that hosts with agents reported with the VMs on record. Work under way, or parked for a person, is no
 * fault, nor is what is owed. What looks wrong is looked at once more by a report that was begun later, so this may take
 * as long as two reports; without a suspicion it takes no time.
 */
export async function checkAgents(
  store: Store,
  installation: string,
  timers: Timers = REAL_TIMERS,
): Promise<AgentsChecked> {
  const look = () => store.transact(tx => compareAll(tx, installation));
  const first = await look();
  if (first.suspects.length === 0) return { faults: [], notes: first.notes };
  await newerReports(store, new Set(first.suspects.map(({ host }) => host)), timers);
  const again = await look();
  const seen = new Set(first.suspects.map(keyOf));
  const borne = again.suspects.filter(suspect => seen.has(keyOf(suspect)));
  const faults = borne.flatMap(suspect => ('fault' in suspect ? [suspect.fault] : []));
  const differences = borne.flatMap(suspect => ('difference' in suspect ? [suspect.difference] : []));
  const states = await store.transact(tx => stateNotes(tx, differences));
  return { faults, notes: [...states, ...again.notes] };
}

const keyOf = (suspect: Suspect): string =>
  'fault' in suspect
    ? `${suspect.host} ${suspect.fault.kind} ${suspect.fault.where}`
    : `${suspect.host} ${suspect.difference.found} ${suspect.difference.vm}`;

/** Waits until each of these hosts has reported twice more, or is not heard of any more. */
async function newerReports(store: Store, hosts: ReadonlySet<string>, timers: Timers): Promise<void> {
  const reports = new Map<string, Set<number>>([...hosts].map(host => [host, new Set()]));
  const atFirst = new Map<string, number>();
  for (;;) {
    const rows = await agentTables(store.reader)
      .selectFrom('agents')
      .select(['host', 'seen', 'lease_until'])
      .where('host', 'in', [...hosts])
      .execute();
    const isDue = rows.some(({ host, seen, lease_until }) => {
      const at = Number(seen);
      if (!atFirst.has(host)) atFirst.set(host, at);
      if (at !== atFirst.get(host)) reports.get(host)!.add(at);
      return reports.get(host)!.size < NEWER_REPORTS && Number(lease_until) >= store.now();
    });
    if (!isDue) return;
    await new Promise<void>(resolve => void timers.after(LOOK_MS, resolve));
  }
}

/** What is needed of the record to judge each host. */
interface Records {
  readonly atHost: ReadonlyMap<string, readonly Allocation[]>;
  /** Names of VMs that a message works on that is under way or parked. */
  readonly busy: ReadonlySet<string>;
  /** uuids of their guests: these may be on two hosts at once, or on none. */
  readonly inBetween: ReadonlySet<string>;
  /** `HOST/UUID` of guests that are to be deleted there. */
  readonly owed: ReadonlySet<string>;
}

/** In one transaction, so that records and reports are of one moment. */
async function compareAll(
  tx: StoreTx,
  installation: string,
): Promise<{ suspects: Suspect[]; notes: string[] }> {
  const suspects: Suspect[] = [];
  const notes: string[] = [];
  const agents = await agentTables(tx.db).selectFrom('agents').selectAll().orderBy('host').execute();
  if (agents.length === 0) return { suspects, notes };
  const hosts = await cloudTables(tx.db).selectFrom('hosts').select(['name', 'state']).execute();
  const states = new Map(hosts.map(({ name, state }) => [name, state]));
  const records = await readRecords(tx);
  for (const agent of agents) {
    const { host } = agent;
    const old = whyOld(agent, states.get(host), tx.now);
    const vms = records.atHost.get(host)?.length ?? 0;
    if (old === null) {
      const { guests } = JSON.parse(agent.report) as AgentReport;
      for (const fault of await compareHost(tx, host, guests, records, installation))
        suspects.push({ host, fault });
      for (const difference of otherStates(agent, guests, records)) suspects.push({ host, difference });
    } else if (vms > 0)
      notes.push(
        `host ${host} was not compared with its ${vms} VM${vms === 1 ? '' : 's'}: ${old}${byThen(agent, records)}`,
      );
  }
  return { suspects, notes };
}

async function readRecords(tx: StoreTx): Promise<Records> {
  const vms = await tx.allocations({ kind: 'vm' });
  const busy = await busyVms(tx, ['open', 'waiting', 'parked']);
  const owed = await owedTables(tx.db).selectFrom('owed').select('key').where('done', '=', 0).execute();
  return {
    atHost: Map.groupBy(vms, ({ detail }) => String(detail.host)),
    busy,
    inBetween: new Set(vms.filter(({ key }) => busy.has(key)).map(({ detail }) => String(detail.uuid))),
    owed: new Set(owed.map(({ key }) => key)),
  };
}

/** Null when the host's last report tells how it is now. */
function whyOld(agent: AgentRow, state: HostState | undefined, now: number): string | null {
  const isHeardOf = agent.report !== '' && Number(agent.lease_until) >= now;
  if (isHeardOf && (state === 'up' || state === 'draining')) return null;
  const last =
    agent.report === ''
      ? 'it has never reported'
      : `its last report is of ${new Date(Number(agent.seen)).toISOString()}`;
  return `it is ${state === 'up' || state === 'draining' ? 'silent' : state}, and ${last}`;
}

async function compareHost(
  tx: StoreTx,
  host: string,
  guests: readonly ReportedGuest[],
  { atHost, busy, inBetween, owed }: Records,
  installation: string,
): Promise<FsckFault[]> {
  const here = atHost.get(host) ?? [];
  const found = new Set(guests.map(({ uuid }) => uuid));
  const faults = here
    .flatMap(vm => recordedVm(vm, host))
    .filter(({ name, uuid }) => !busy.has(name) && !found.has(uuid))
    .map(({ name, uuid }) => guestMissing(host, name, uuid));
  const recorded = new Set(here.map(({ detail }) => String(detail.uuid)));
  for (const guest of guests) {
    const { uuid } = guest;
    if (recorded.has(uuid) || inBetween.has(uuid) || owed.has(`${host}/${uuid}`)) continue;
    const judgement = await judge(tx, guest, installation);
    if (judgement.kind !== 'under way') faults.push(guestLeft(host, guest, judgement));
  }
  return faults;
}

/** VMs whose guest is there, in another state than is on record. */
function otherStates(
  { host, seen }: AgentRow,
  guests: readonly ReportedGuest[],
  { atHost, busy }: Records,
): StateDifference[] {
  const found = new Map(guests.map(guest => [guest.uuid, guest]));
  return (atHost.get(host) ?? [])
    .flatMap(vm => recordedVm(vm, host))
    .flatMap(({ name, uuid, state }): StateDifference[] => {
      const guest = found.get(uuid);
      if (guest === undefined || guest.state === state || busy.has(name)) return [];
      const at = Number(seen);
      const told = { since: guest.since ?? at, at };
      return [{ host, vm: name, recorded: state, found: guest.state, told }];
    });
}

/** What an old report said otherwise than the record does; empty when it said the same. */
function byThen(agent: AgentRow, records: Records): string {
  if (agent.report === '') return '';
  const { guests } = JSON.parse(agent.report) as AgentReport;
  const there = new Set(guests.map(({ uuid }) => uuid));
  const differences = [
    ...otherStates(agent, guests, records).map(
      ({ vm, recorded, found }) => `vm ${vm} was ${found}, on record it is ${recorded}`,
    ),
    ...(records.atHost.get(agent.host) ?? [])
      .flatMap(vm => recordedVm(vm, agent.host))
      .filter(({ name, uuid }) => !records.busy.has(name) && !there.has(uuid))
      .map(({ name, state }) => `vm ${name} was not there, on record it is ${state}`),
  ];
  return differences.length === 0 ? '' : `; by then ${differences.join(', ')}`;
}
