import { CALM } from '../inventory/row.ts';
import type { Weigher } from './weigher.ts';

/** Quiet hosts first: minus the operations that are under way. */
export const io: Weigher = {
  name: 'io',
  weigh: ({ host }) => -host.ioLoad,
  most: ({ hi, at }) => hi[at + CALM]!,
  least: ({ lo, at }) => lo[at + CALM]!,
};
