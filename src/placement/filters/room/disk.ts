import { type Filter, grouped, most, roomRemedy } from '../filter.ts';

/** Only hosts with enough disk left; a disk is never given out twice. */
export const disk: Filter = {
  name: 'disk',
  passes: (host, query) => host.diskMibFree >= query.disk,
  why: host => `${grouped(Math.max(0, host.diskMibFree))} MiB of disk free`,
  remedy(removed) {
    const best = most(removed, host => host.diskMibFree);
    const free = Math.max(0, best.diskMibFree);
    return roomRemedy(`most free: ${grouped(free)} MiB of disk on ${best.name}`, free, 'disk');
  },
};
