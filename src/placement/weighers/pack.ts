import { VMS } from '../inventory/row.ts';
import { leastGpuCost, packCost, VM_WEIGHT } from '../packing/pack-cost.ts';
import type { Weigher } from './weigher.ts';

/** What packing costs, as a gain in VMs: of a host without GPUs simply the VMs that it has. */
export const pack: Weigher = {
  name: 'pack',
  weigh: (host, request, devices) =>
    host.gpuMilliFree.length === 0 ? host.vms : -packCost(host, request, devices) / VM_WEIGHT,
  most(box, request) {
    const vms = box.hi[box.at + VMS]!;
    return box.hasGpus ? vms - leastGpuCost(box, request) / VM_WEIGHT : vms;
  },
};
