import { CPU_SHARE } from '../inventory/row.ts';
import type { Weigher } from './weigher.ts';

/** The share of CPUs that is left, overcommit counted in: spreads, or with a negative weight fills. */
export const freeCpu: Weigher = {
  name: 'free-cpu',
  weigh: host => host.cpuShareFree,
  most: ({ hi, at }) => hi[at + CPU_SHARE]!,
  least: ({ lo, at }) => lo[at + CPU_SHARE]!,
};
