import { createSocket } from 'node:dgram';
import { readFileSync, statfsSync } from 'node:fs';
import type { AgentFacts, AgentReport } from '../../api/agent.ts';
import type { Guest } from '../../cloud/compute/hypervisor.ts';
import { type LocalHost, localHostSpec } from '../../cloud/local-host.ts';
import { SIMULATED_NETWORK } from '../../cloud/simulated-hosts.ts';
import type { GuestUse } from '../../cloud/use/guest-use.ts';
import { readGpus, readNuma } from './hardware.ts';

const MIB = 1024 ** 2;

/** What the person who joined the host said of it. */
export interface Wishes {
  readonly labels: Readonly<Record<string, string>>;
  readonly zone: string;
  readonly rack: string;
}

/** What placement may give of this machine, and where its guests are. */
export function factsOf(local: LocalHost, { labels, zone, rack }: Wishes, dataDir: string): AgentFacts {
  const { cpuTotal, cpuOvercommit, memTotalMib, hypervisor, accelerator } = localHostSpec('', '', local);
  const disk = statfsSync(dataDir);
  return {
    cpuTotal,
    cpuOvercommit,
    memTotalMib,
    diskTotalMib: Math.floor((disk.blocks * disk.bsize) / MIB),
    gpus: readGpus(),
    numa: readNuma(),
    labels,
    zone,
    rack,
    network: networkOf(local),
    hypervisor,
    accelerator,
    fault: local.fault.slice(0, 1000),
  };
}

function networkOf({ hypervisor, network }: LocalHost): AgentFacts['network'] {
  const found = hypervisor?.kind === 'simulated' ? SIMULATED_NETWORK : network;
  if (found === null) return null;
  const { cidr, gateway, prefix, mode, httpPort } = found;
  return { cidr, gateway, prefix, mode, httpPort };
}

/** How this machine is doing now. */
export function liveOf(guests: readonly Guest[], dataDir: string): AgentReport['live'] {
  const disk = statfsSync(dataDir);
  const available = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1];
  return {
    load1: Number(readFileSync('/proc/loadavg', 'latin1').split(' ')[0]),
    memAvailableMib: Math.floor(Number(available ?? 0) / 1024),
    diskFreeMib: Math.floor((disk.bavail * disk.bsize) / MIB),
    guestsRunning: guests.filter(({ state }) => state !== 'stopped').length,
  };
}

/** The kernel's name for the time since the host was started: another one after each boot. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

export const reportedGuest = (
  { uuid, name, spec, state, pid }: Guest,
  uses: ReadonlyMap<string, GuestUse>,
): AgentReport['guests'][number] => ({
  uuid,
  name,
  msgid: spec.msgid,
  state: state === 'stopped' ? 'stopped' : 'running',
  pid,
  use: uses.get(uuid) ?? null,
});

/** The address from which this machine reaches a server; empty when there is no way to it. Sends nothing. */
export function addressTowards(url: string): Promise<string> {
  const { hostname, port, protocol } = new URL(url);
  const to = hostname.replace(/^\[|\]$/g, '');
  return new Promise(resolve => {
    const socket = createSocket(to.includes(':') ? 'udp6' : 'udp4');
    const end = (address: string): void => {
      socket.close();
      resolve(address);
    };
    socket.once('error', () => end(''));
    socket.connect(Number(port) || (protocol === 'https:' ? 443 : 80), to, () =>
      end(socket.address().address),
    );
  });
}
