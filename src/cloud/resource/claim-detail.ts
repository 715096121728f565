import type { Parameters } from '../../message/message.ts';
import type { PlacementClaim } from '../../placement/claim.ts';
import type { Holder } from '../allocations.ts';

/** Key of a claim: of its message and step, with a number where one step makes several. */
export const claimKey = ({ msgid, step }: Holder, number?: number): string =>
  number === undefined ? `${msgid}.${step}` : `${msgid}.${step}.${number}`;

/**
 * What is kept of a claim, only what it has. `cpu` stays a whole number, with the thousandths beside it: a server of the
 * version before gives back what it knows.
 */
export function claimDetail(claim: PlacementClaim): Parameters {
  const milli = claim.cpuMilli % 1000;
  return {
    host: claim.host,
    cpu: (claim.cpuMilli - milli) / 1000,
    ...(milli > 0 && { cpu_milli: milli }),
    mem: claim.memMib,
    ...(claim.diskMib > 0 && { disk: claim.diskMib }),
    ...(claim.devices.length > 0 && { gpus: [...claim.devices], gpu_milli: claim.gpuMilli }),
    ...(claim.cell >= 0 && { cell: claim.cell }),
    ...(claim.group && { group: claim.group }),
    ...(claim.vm && { vm: claim.vm }),
    ...(claim.preemptible && { preemptible: true }),
    ...(claim.project && { project: claim.project }),
  };
}

export function claimOf(key: string, detail: Parameters): PlacementClaim {
  const devices = Array.isArray(detail.gpus) ? detail.gpus.map(Number) : [];
  return {
    id: key,
    host: String(detail.host),
    cpuMilli: Number(detail.cpu) * 1000 + Number(detail.cpu_milli ?? 0),
    memMib: Number(detail.mem),
    diskMib: Number(detail.disk ?? 0),
    gpu: devices.length,
    gpuMilli: Number(detail.gpu_milli ?? 0),
    devices,
    cell: Number(detail.cell ?? -1),
    group: String(detail.group ?? ''),
    vm: String(detail.vm ?? ''),
    preemptible: detail.preemptible === true,
    project: String(detail.project ?? ''),
  };
}
