import { type PlacementHost, placementHost } from '../../../placement/host.ts';
import type { HostRow } from '../../schema.ts';
import type { CellUse } from '../device-use.ts';

/** A host's row as placement sees it. Its name is a label of its own. Engines give wide integers as text now and then. */
export function placementHostOf(row: HostRow): PlacementHost {
  return placementHost({
    name: row.name,
    state: row.state,
    reason: row.reason,
    zone: row.zone,
    rack: row.rack,
    labels: { ...(JSON.parse(row.labels) as Record<string, string>), host: row.name },
    simulated: Number(row.simulated) === 1,
    cpuMilliTotal: Number(row.cpu_total) * 1000,
    cpuOvercommit: Number(row.cpu_overcommit),
    cpuMilliReserved: Number(row.cpu_reserved_milli),
    memMibTotal: Number(row.mem_total_mib),
    memOvercommit: Number(row.mem_overcommit),
    memMibReserved: Number(row.mem_reserved_mib),
    diskMibTotal: Number(row.disk_total_mib),
    diskMibReserved: Number(row.disk_reserved_mib),
    gpuModel: row.gpu_model,
    gpuMilliTotal: JSON.parse(row.gpus) as number[],
    numa: JSON.parse(row.numa) as CellUse[],
    ioLoad: Number(row.io_load),
    vmsMax: Number(row.vms_max),
    accelerator: row.accelerator,
    hypervisor: row.hypervisor,
  });
}
