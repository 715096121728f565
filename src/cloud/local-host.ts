import { availableParallelism, hostname, totalmem } from 'node:os';
import { type CoaxError, isCoaxError, textOf } from '../errors/coax-error.ts';
import type { Hypervisor } from './compute/hypervisor.ts';
import { openQemu } from './compute/qemu/qemu.ts';
import { type HostNetwork, openHostNetwork } from './network/host-network.ts';
import type { HostSpec } from './resource/register-hosts.ts';

/** vCPUs for each CPU: guests are idle for most of their time. */
const CPU_OVERCOMMIT = 4;
/** Kept for the host itself. */
const MEM_RESERVE_MIB = 1024;
/** Room for one small guest even on a small machine. */
const MEM_MIN_MIB = 256;

/** This machine as a host: its hypervisor and its guests' network, or why there are none. */
export interface LocalHost {
  readonly hypervisor: Hypervisor | null;
  readonly network: HostNetwork | null;
  /** Why VMs cannot run here, with what to do; empty when they can. */
  readonly fault: string;
}

export interface LocalHostOptions {
  readonly dataDir: string;
  readonly cacheDir: string;
  readonly hypervisor?: Hypervisor | undefined;
  readonly hostNetwork?: HostNetwork | undefined;
  onProgress(line: string): void;
}

/** Never throws for what the machine lacks: a server without a hypervisor still serves everything else. */
export async function openLocalHost(options: LocalHostOptions): Promise<LocalHost> {
  const { dataDir, cacheDir, onProgress } = options;
  let network = options.hostNetwork ?? null;
  try {
    network ??= await openHostNetwork({ dataDir });
    const hypervisor =
      options.hypervisor ?? (await openQemu({ dataDir, cacheDir, hostNetwork: network, onProgress }));
    return { hypervisor, network, fault: '' };
  } catch (error) {
    const fault = isCoaxError(error) ? withHint(error) : textOf(error);
    onProgress(`no VMs can run here: ${fault}`);
    return { hypervisor: null, network, fault };
  }
}

const withHint = (error: CoaxError): string => `${error.reason}. ${error.hint}`;

/** What placement may give of this machine. */
export function localHostSpec(name: string, network: string, { hypervisor, fault }: LocalHost): HostSpec {
  return {
    name,
    cpuTotal: availableParallelism(),
    cpuOvercommit: CPU_OVERCOMMIT,
    memTotalMib: Math.max(MEM_MIN_MIB, Math.floor(totalmem() / 1024 ** 2) - MEM_RESERVE_MIB),
    labels: {},
    zone: 'default',
    network,
    reason: fault,
    hypervisor: hypervisor?.kind ?? 'none',
    accelerator: hypervisor?.accelerator ?? 'none',
    simulated: hypervisor?.kind === 'simulated',
  };
}

/** This machine's name as a host name that an address can hold. */
export function localHostName(): string {
  const name = hostname()
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
  return name || 'localhost';
}
