import type { Store } from '../../store/store.ts';
import type { Tx } from '../../store/tx.ts';
import { agentTables } from '../agents/schema.ts';
import { isToReturn } from '../agents/take-report.ts';
import { cloudTables, type HostState } from '../schema.ts';
import { rememberedHosts, statesSince } from './host-state.ts';
import { heardUntil, hostsServedLast } from './served-hosts.ts';

/** A host of whom something is to be heard. Times in ms since 1970. */
export interface WatchedHost {
  readonly host: string;
  readonly state: HostState;
  /** Heard of last; 0 = never. */
  readonly seen: number;
  readonly leaseUntil: number;
  /** In its state since then, as far as a message changed it; else 0. */
  readonly since: number;
  /** It may return by itself when it is heard of again. */
  readonly returns: boolean;
  /** Why nothing is heard of it, when that is so. */
  readonly silence: string;
}

/** Hosts that have an agent. */
export async function hostsOfAgents(db: Tx['db']): Promise<WatchedHost[]> {
  const agents = await agentTables(db).selectFrom('agents').select(['host', 'seen', 'lease_until']).execute();
  if (agents.length === 0) return [];
  const rows = await cloudTables(db)
    .selectFrom('hosts')
    .select(['name', 'state'])
    .where('agent', '=', 1)
    .execute();
  const states = new Map(rows.map(row => [row.name, row.state]));
  const since = await statesSince({ db });
  return agents.flatMap(agent => {
    const { host } = agent;
    const state = states.get(host);
    if (state === undefined) return [];
    const seen = Number(agent.seen);
    const leaseUntil = Number(agent.lease_until);
    const times = { seen, leaseUntil, since: since.get(host) ?? 0 };
    const returns = state === 'down' || state === 'lost';
    return [{ host, state, ...times, returns, silence: silenceOfAgent(seen, leaseUntil) }];
  });
}

/** Why nothing is heard of an agent's host; a lease of such a length is given to an agent that says goodbye. */
function silenceOfAgent(seen: number, leaseUntil: number): string {
  if (seen === 0) return 'it has never reported';
  const when = new Date(seen).toISOString();
  if (leaseUntil === seen) return `its agent was stopped (${when})`;
  if (isToReturn(seen, leaseUntil))
    return `its agent ended to be started anew (${when}), and is not back yet`;
  return `not heard of since ${when}`;
}

/**
 * Hosts that a server or a worker runs itself, where several processes share the store; else whoever asks is the one that runs them.
 * They return by themselves only from a silence, for a host is also down that cannot take VMs. Not simulated ones: any server that
 * has those serves them all.
 */
export async function hostsOfProcesses(
  store: Pick<Store, 'reader' | 'capabilities'>,
): Promise<WatchedHost[]> {
  if (!store.capabilities.shared) return [];
  const db = store.reader;
  const hosts = await cloudTables(db)
    .selectFrom('hosts')
    .select(['name', 'state', 'seen'])
    .where('agent', '=', 0)
    .where('simulated', '=', 0)
    .execute();
  if (hosts.length === 0) return [];
  const served = await hostsServedLast(
    db,
    hosts.map(({ name }) => name),
  );
  const since = await statesSince({ db });
  const { away } = await rememberedHosts({ db });
  return hosts.map(({ name, state, ...registered }) => {
    // A process that has just registered its host has not yet told that it serves it.
    const seen = Math.max(Number(registered.seen), served.get(name) ?? 0);
    return {
      host: name,
      state,
      seen,
      leaseUntil: heardUntil(seen),
      since: since.get(name) ?? 0,
      returns: state === 'down' && away.has(name),
      silence: `no server or worker has served it since ${new Date(seen).toISOString()}`,
    };
  });
}

/** Is the host heard of, after it was found silent? */
export async function isHeardOf({ db, now }: Pick<Tx, 'db' | 'now'>, host: string): Promise<boolean> {
  const agent = await agentTables(db)
    .selectFrom('agents')
    .select('lease_until')
    .where('host', '=', host)
    .executeTakeFirst();
  if (agent !== undefined) return Number(agent.lease_until) >= now;
  const served = await hostsServedLast(db, [host]);
  return heardUntil(served.get(host) ?? 0) >= now;
}
