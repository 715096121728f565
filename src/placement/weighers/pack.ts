import { VMS } from '../inventory/row.ts';
import { leastGpuCost, packCost, VM_WEIGHT } from '../packing/pack-cost.ts';
import type { Weigher } from './weigher.ts';

/**
 * Costs are sums of tenths and other parts that binary does not have: what is equal may differ in the last digits, by how it was summed. Gains
 * are told in steps far below the least true difference, and far above those digits; else it would hang on the shape of the index which of
 * two equal hosts wins.
 */
const STEPS = 1024;
/** Of a step: a bound is not rounded below what it bounds. */
const SLACK = 1 / 64;

/** What packing costs, as a gain in VMs: of a host without GPUs simply the VMs that it has. */
export const pack: Weigher = {
  name: 'pack',
  weigh: (host, request, devices) =>
    host.gpuMilliFree.length === 0
      ? host.vms
      : Math.round((-packCost(host, request, devices) / VM_WEIGHT) * STEPS) / STEPS,
  most(box, request) {
    const vms = box.hi[box.at + VMS]!;
    if (!box.hasGpus) return vms;
    return Math.round((vms - leastGpuCost(box, request) / VM_WEIGHT) * STEPS + SLACK) / STEPS;
  },
};
