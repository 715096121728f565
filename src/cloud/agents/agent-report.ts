import type { GuestUse } from '../use/guest-use.ts';

/** What a host is, as its agent found it. Memory and disks in MiB. */
export interface AgentFacts {
  readonly cpuTotal: number;
  /** vCPUs that may be claimed for each CPU. */
  readonly cpuOvercommit: number;
  readonly memTotalMib: number;
  readonly diskTotalMib: number;
  readonly gpus: readonly { readonly model: string; readonly count: number }[];
  /** NUMA cells, by their number. */
  readonly numa: readonly { readonly cpus: number; readonly memMib: number }[];
  readonly labels: Readonly<Record<string, string>>;
  readonly zone: string;
  readonly rack: string;
  /** The network of its guests; null when it has none. */
  readonly network: AgentNetwork | null;
  readonly hypervisor: 'qemu' | 'simulated' | 'none';
  readonly accelerator: string;
  /** Why it cannot run VMs, with what to do; empty when it can. */
  readonly fault: string;
}

export interface AgentNetwork {
  readonly cidr: string;
  readonly gateway: string;
  readonly prefix: number;
  readonly mode: 'tap' | 'user';
  readonly httpPort: number;
}

/** A guest that is on the host, running or stopped. */
export interface ReportedGuest {
  readonly uuid: string;
  readonly name: string;
  /** The message that made it; null when that is not known. */
  readonly msgid: number | null;
  readonly state: 'running' | 'stopped' | 'paused';
  readonly pid: number | null;
  /** What it uses; null or absent when that is not known, or not yet. */
  readonly use?: GuestUse | null | undefined;
  /** Since when the host tells that state (ms since 1970, the store's clock); written by the server, absent in what agents send. */
  readonly since?: number;
}

/** What an agent tells of its host every few seconds. */
export interface AgentReport {
  /** Of the kernel: another one after each boot. */
  readonly bootId: string;
  readonly version: string;
  /** Where the host is reached, for people. */
  readonly address: string;
  readonly facts: AgentFacts;
  readonly live: {
    readonly load1: number;
    readonly memAvailableMib: number;
    readonly diskFreeMib: number;
    readonly guestsRunning: number;
  };
  readonly guests: readonly ReportedGuest[];
}
