import type { HostRow, HostState } from '../schema.ts';

/** A host as placement sees it: figures in CPUs and MiB, no handle to anything. */
export interface HostSnapshot {
  readonly name: string;
  readonly state: HostState;
  /** Why it is not up. */
  readonly reason: string;
  readonly zone: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly simulated: boolean;
  /** vCPUs that may be claimed in all: CPUs times overcommit. */
  readonly cpuLimit: number;
  readonly memLimitMib: number;
  cpuUsed: number;
  memUsedMib: number;
}

/** What a VM asks of its host. */
export interface HostRequest {
  readonly cpu: number;
  readonly memMib: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Empty for any. */
  readonly zone: string;
}

export const freeCpu = (host: HostSnapshot): number => Math.floor(host.cpuLimit - host.cpuUsed);
export const freeMemMib = (host: HostSnapshot): number => host.memLimitMib - host.memUsedMib;

/** Engines give wide integers as text now and then, hence Number(). The host's name is a label of its own. */
export function snapshotOf(row: HostRow): HostSnapshot {
  return {
    name: row.name,
    state: row.state,
    reason: row.reason,
    zone: row.zone,
    labels: { ...(JSON.parse(row.labels) as Record<string, string>), host: row.name },
    simulated: Number(row.simulated) === 1,
    cpuLimit: Number(row.cpu_total) * Number(row.cpu_overcommit),
    memLimitMib: Number(row.mem_total_mib),
    cpuUsed: Number(row.cpu_used),
    memUsedMib: Number(row.mem_used_mib),
  };
}
