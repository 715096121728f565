import type { Weigher } from './weigher.ts';

/** Spreads by the share of CPUs that is left, overcommit counted in. */
export const freeCpuShare: Weigher = {
  name: 'free-cpu',
  multiplier: 1,
  weigh: host => (host.cpuLimit > 0 ? (host.cpuLimit - host.cpuUsed) / host.cpuLimit : 0),
};
