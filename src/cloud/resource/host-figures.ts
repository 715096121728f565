import type { HostRow } from '../schema.ts';

/** CPU in thousandths, memory and disk in MiB, and a number of VMs. */
export interface HostFigures {
  readonly cpuMilli: number;
  readonly memMib: number;
  readonly diskMib: number;
  readonly vms: number;
}

/** What the claims of a host come to. Engines give wide integers as text now and then, hence Number(). */
export const usedOf = (row: HostRow): HostFigures => ({
  cpuMilli: Number(row.cpu_used) * 1000 + Number(row.cpu_used_milli),
  memMib: Number(row.mem_used_mib),
  diskMib: Number(row.disk_used_mib),
  vms: Number(row.vms),
});

/** What may be claimed of a host in all: what it keeps for itself does not count, overcommit does. */
export const limitsOf = (row: HostRow): HostFigures => ({
  cpuMilli: Math.floor(
    (Number(row.cpu_total) * 1000 - Number(row.cpu_reserved_milli)) * Number(row.cpu_overcommit),
  ),
  memMib: Math.floor((Number(row.mem_total_mib) - Number(row.mem_reserved_mib)) * Number(row.mem_overcommit)),
  diskMib: Number(row.disk_total_mib) - Number(row.disk_reserved_mib),
  vms: Number(row.vms_max) || Number.POSITIVE_INFINITY,
});
