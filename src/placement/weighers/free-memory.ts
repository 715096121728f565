import { MEM_SHARE } from '../inventory/row.ts';
import type { Weigher } from './weigher.ts';

/** The share of memory that is left: spreads, or with a negative weight fills. */
export const freeMemory: Weigher = {
  name: 'free-memory',
  weigh: host => host.memShareFree,
  most: ({ hi, at }) => hi[at + MEM_SHARE]!,
  least: ({ lo, at }) => lo[at + MEM_SHARE]!,
};
