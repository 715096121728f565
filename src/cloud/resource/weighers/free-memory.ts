import { freeMemMib } from '../host-snapshot.ts';
import type { Weigher } from './weigher.ts';

/** Spreads by the share of memory that is left. */
export const freeMemory: Weigher = {
  name: 'free-memory',
  multiplier: 1,
  weigh: host => (host.memLimitMib > 0 ? freeMemMib(host) / host.memLimitMib : 0),
};
