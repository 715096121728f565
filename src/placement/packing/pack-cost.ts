import { GPU_FREE, GPU_PART, SLACK, STRAND } from '../inventory/row.ts';
import type { HostBox } from '../weighers/weigher.ts';
import { cpuReach, memReach, reach } from './reach.ts';

/** A host as packing sees it: what is free, and what lives there. */
export interface PackHost {
  readonly cpuMilliFree: number;
  readonly memMibFree: number;
  readonly vms: number;
  /** Free thousandths of each GPU; empty when it has none. */
  readonly gpuMilliFree: readonly number[];
  /** Part of all GPUs of the fleet that are of this host's model, 0 to 1. */
  readonly modelShare: number;
}

export interface PackRequest {
  readonly cpuMilli: number;
  readonly memMib: number;
  /** GPUs, and thousandths of each. */
  readonly gpu: number;
  readonly gpuMilli: number;
}

/** Against a thousandth of a stranded GPU: a thousandth of a GPU that is left in part. */
const PARTIAL_WEIGHT = 0.3;
/** A host with room for one GPU less is the better one among equals. */
const FREE_GPU_WEIGHT = 20;
/** Against thousandths of a GPU: what a model's share of the fleet is worth. Scarce models wait for those who need them. */
const MODEL_WEIGHT = 2000;
/** GPU hosts are for GPUs as long as there are others. */
const GPU_HOST_COST = 1e6;
/** Below the least difference of the terms above. */
export const VM_WEIGHT = 1e-4;

/**
 * What it costs to put a request on a host that fits, with these GPUs of it; the least cost wins.
 *
 * Without GPUs: hosts without GPUs first, then the one with the most VMs. That packs as tightly as best fit does, and beats it in how
 * many hosts stay in use: a host with many VMs is the last to become empty, so the others become empty sooner. With GPUs: common models
 * first, then where the least GPU is stranded or left in part (after the fragmentation measure of Weng et al., "Beware of
 * Fragmentation", USENIX ATC 2023, with one typical request in place of a history of them), then the fullest host.
 */
export function packCost(host: PackHost, request: PackRequest, devices: readonly number[]): number {
  const vms = VM_WEIGHT * host.vms;
  if (host.gpuMilliFree.length === 0) return -vms;
  const cost = fragmentationCost(host, request, devices);
  const free = sum(host.gpuMilliFree) - devices.length * request.gpuMilli;
  return gpuHostCost(request, host.modelShare, free) + cost - vms;
}

/** What GPUs of the host would be stranded or left in part afterwards and are not yet, in thousandths of a GPU. */
export function fragmentationCost(host: PackHost, request: PackRequest, devices: readonly number[]): number {
  const { gpuMilliFree, cpuMilliFree, memMibFree } = host;
  const free = sum(gpuMilliFree);
  // Of GPUs that are not taken, as much is left in part afterwards as before.
  let partial = 0;
  for (const device of devices) {
    const before = gpuMilliFree[device]!;
    const after = before - request.gpuMilli;
    partial += (after < 1000 ? after : 0) - (before < 1000 ? before : 0);
  }
  const left = free - devices.length * request.gpuMilli;
  const stranded =
    strandedOf(left, cpuMilliFree - request.cpuMilli, memMibFree - request.memMib) -
    strandedOf(free, cpuMilliFree, memMibFree);
  return stranded + PARTIAL_WEIGHT * partial;
}

/** Of so many free thousandths of GPUs, those that CPU and memory do not reach. */
const strandedOf = (gpuMilli: number, cpuMilli: number, memMib: number): number =>
  Math.max(0, gpuMilli - reach(cpuMilli, memMib));

/** What a GPU host costs besides, with so many thousandths of GPUs free afterwards. */
const gpuHostCost = (request: PackRequest, modelShare: number, gpuMilliFree: number): number =>
  (request.gpu === 0 ? GPU_HOST_COST : 0) -
  MODEL_WEIGHT * modelShare +
  (FREE_GPU_WEIGHT * gpuMilliFree) / 1000;

/** What `packCost` is at least on any GPU host in the box that can take the request, its VMs left aside. */
export function leastGpuCost(box: HostBox, request: PackRequest): number {
  const free = Math.max(0, box.lo[box.at + GPU_FREE]! - request.gpu * request.gpuMilli);
  return gpuHostCost(request, box.modelShareHi, free) + leastFragmentationCost(box, request);
}

/** What `fragmentationCost` is at least on any host in the box that can take the request. */
export function leastFragmentationCost({ lo, hi, at }: HostBox, request: PackRequest): number {
  const taken = request.gpu * request.gpuMilli;
  // Where all hosts are short of the same thing, the request lowers their reach by what it takes of that.
  const cpu = cpuReach(request.cpuMilli);
  const mem = memReach(request.memMib);
  const least = hi[at + SLACK]! <= 0 ? cpu : lo[at + SLACK]! >= 0 ? mem : Math.min(cpu, mem);
  const grows = least - taken;
  // With what was free beyond reach before, the part that is stranded grows by more or by less, always one way.
  const before = (grows < 0 ? hi : lo)[at + STRAND]!;
  const stranded = Math.max(0, before + grows) - Math.max(0, before);
  return stranded + PARTIAL_WEIGHT * leastPartial(hi[at + GPU_PART]!, request);
}

/** A share fills a GPU that is in parts already, if one has the room; whole GPUs leave no parts. */
function leastPartial(part: number, { gpu, gpuMilli }: PackRequest): number {
  if (gpu !== 1 || gpuMilli >= 1000) return 0;
  return part >= gpuMilli ? -gpuMilli : 1000 - gpuMilli;
}

const sum = (figures: readonly number[]): number => {
  let all = 0;
  for (const figure of figures) all += figure;
  return all;
};

/**
 * Which GPUs of a host to take, or null when it has not enough: for a share the fullest GPU that has room for it, else the first
 * whole ones.
 */
export function packDevices(gpuMilliFree: readonly number[], request: PackRequest): number[] | null {
  if (request.gpu === 0) return [];
  if (request.gpu === 1 && request.gpuMilli < 1000) {
    let best = -1;
    for (let device = 0; device < gpuMilliFree.length; device += 1) {
      const free = gpuMilliFree[device]!;
      if (free >= request.gpuMilli && (best < 0 || free < gpuMilliFree[best]!)) best = device;
    }
    return best < 0 ? null : [best];
  }
  const devices: number[] = [];
  for (let device = 0; device < gpuMilliFree.length && devices.length < request.gpu; device += 1) {
    if (gpuMilliFree[device] === 1000) devices.push(device);
  }
  return devices.length < request.gpu ? null : devices;
}
