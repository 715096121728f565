import { type Filter, grouped, most, roomRemedy } from '../filter.ts';

/** Only hosts with enough memory left, overcommit counted in. */
export const memory: Filter = {
  name: 'memory',
  passes: (host, query) => host.memMibFree >= query.mem,
  why: host => `${grouped(Math.max(0, host.memMibFree))} MiB free`,
  remedy(removed) {
    const best = most(removed, host => host.memMibFree);
    const free = Math.max(0, best.memMibFree);
    return roomRemedy(`most free: ${grouped(free)} MiB on ${best.name}`, free, 'mem');
  },
};
