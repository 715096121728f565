import type { Parameters } from '../../message/message.ts';
import type { Holder } from '../allocations.ts';

/** What a claim takes of its host: CPU in thousandths, memory and disk in MiB. */
export interface Room {
  readonly cpuMilli: number;
  readonly memMib: number;
  readonly diskMib: number;
  /** GPUs, and thousandths of each. */
  readonly gpu: number;
  readonly gpuMilli: number;
  /** Which of the host's GPUs. */
  readonly devices: readonly number[];
  /** NUMA cell that it is bound to; -1 for none. */
  readonly cell: number;
}

/** A claim as placement knows it. */
export interface ClaimedRoom extends Room {
  readonly id: string;
  readonly host: string;
  readonly group: string;
  readonly vm: string;
  readonly preemptible: boolean;
  readonly project: string;
}

/** Key of a claim: of its message and step, with a number where one step makes several. */
export const claimKey = ({ msgid, step }: Holder, number?: number): string =>
  number === undefined ? `${msgid}.${step}` : `${msgid}.${step}.${number}`;

/**
 * What is kept of a claim, only what it has. `cpu` stays a whole number, with the thousandths beside it: a server of the
 * version before gives back what it knows.
 */
export function claimDetail(claim: ClaimedRoom): Parameters {
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

export function claimOf(key: string, detail: Parameters): ClaimedRoom {
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
