import { CoaxError } from '../../errors/coax-error.ts';
import type { Tx } from '../../store/tx.ts';
import { parseAddress } from '../network/address.ts';
import { registerNetwork } from '../network/register-network.ts';
import { type HostSpec, registerHosts } from '../resource/register-hosts.ts';
import { cloudTables, type NetworkRow } from '../schema.ts';
import { SIMULATED_NETWORK } from '../simulated-hosts.ts';
import type { AgentFacts, AgentNetwork } from './agent-report.ts';

/** Thousandths. */
const WHOLE_GPU = 1000;

/** The network of a host's guests, as an agent needs it. */
export type HostNetworkRow = AgentNetwork & { readonly name: string; readonly macPrefix: string };

/** Writes what an agent says its host has; `reason`: why it takes no VMs yet, else the agent's own. */
export async function registerAgentHost(
  tx: Tx,
  host: string,
  facts: AgentFacts,
  reason = facts.fault,
): Promise<void> {
  const network = await registerNetworkOf(tx, facts);
  await registerHosts(tx, [hostSpecOf(host, facts, network, reason)]);
  await cloudTables(tx.db).updateTable('hosts').set({ agent: 1 }).where('name', '=', host).execute();
}

function hostSpecOf(name: string, facts: AgentFacts, network: string, reason: string): HostSpec {
  const { cpuTotal, cpuOvercommit, memTotalMib, diskTotalMib, labels, zone, rack, hypervisor, accelerator } =
    facts;
  // Placement knows one model of a host: the one that it has most of.
  const [gpu] = [...facts.gpus].sort((a, b) => b.count - a.count);
  return {
    name,
    cpuTotal,
    cpuOvercommit,
    memTotalMib,
    labels,
    zone,
    network,
    reason,
    hypervisor,
    accelerator,
    simulated: hypervisor === 'simulated',
    diskTotalMib,
    rack,
    gpuModel: gpu?.model ?? '',
    gpus: Array<number>(gpu?.count ?? 0).fill(WHOLE_GPU),
    numa: facts.numa.map(({ cpus, memMib }) => ({ cpuMilli: cpus * 1000, memMib })),
  };
}

/** Hosts that say the same subnet share its addresses, so that no two guests have the same one. */
async function registerNetworkOf(tx: Tx, { network, hypervisor }: AgentFacts): Promise<string> {
  if (hypervisor === 'simulated') return registerNetwork(tx, 'simulated', SIMULATED_NETWORK);
  if (network === null) return 'default';
  assertNetwork(network);
  return registerNetwork(tx, 'default', { ...network, simulated: false });
}

/** Errors: COAX_MESSAGE_INVALID. */
function assertNetwork({ cidr, gateway, prefix }: AgentNetwork): void {
  const [address = '', length] = cidr.split('/');
  const isSubnet = parseAddress(address) !== null && prefix >= 8 && prefix <= 30 && length === String(prefix);
  if (isSubnet && parseAddress(gateway) !== null) return;
  throw new CoaxError('COAX_MESSAGE_INVALID', `${cidr} with gateway ${gateway} is not a subnet for guests`, {
    where: '/facts/network',
    hint: 'IPv4, 8 to 30 bits, as in 10.77.0.0/16 with 10.77.0.1.',
  });
}

/** The network that host's guests are on; null when it has none. */
export async function networkAt(tx: Pick<Tx, 'db'>, host: string): Promise<HostNetworkRow | null> {
  const row = await cloudTables(tx.db)
    .selectFrom('networks')
    .innerJoin('hosts', 'hosts.network', 'networks.name')
    .selectAll('networks')
    .where('hosts.name', '=', host)
    .executeTakeFirst();
  return row === undefined ? null : networkOf(row);
}

function networkOf(row: NetworkRow): HostNetworkRow {
  return {
    name: row.name,
    cidr: row.cidr,
    gateway: row.gateway,
    prefix: Number(row.prefix),
    mode: row.mode,
    httpPort: Number(row.http_port),
    macPrefix: row.mac_prefix,
  };
}
