import { fragmentationCost, leastFragmentationCost } from '../packing/pack-cost.ts';
import type { Weigher } from './weigher.ts';

/** Minus the GPUs that would be stranded or left in part because of the request. */
export const fragmentation: Weigher = {
  name: 'fragmentation',
  weigh: (host, request, devices) =>
    host.gpuMilliFree.length === 0 ? 0 : -fragmentationCost(host, request, devices) / 1000,
  most: (box, request) => (box.hasGpus ? -leastFragmentationCost(box, request) / 1000 : 0),
};
