import type { HostView } from '../../inventory/host-view.ts';
import { type Filter, grouped, most, roomRemedy } from '../filter.ts';

/** Only hosts with enough CPUs left, overcommit counted in. */
export const cpu: Filter = {
  name: 'cpu',
  passes: (host, query) => host.cpuMilliFree >= query.cpu,
  why: host => `${grouped(cpusFree(host))} CPUs free`,
  remedy(removed) {
    const best = most(removed, host => host.cpuMilliFree);
    const free = cpusFree(best);
    return roomRemedy(`most free: ${grouped(free)} CPUs on ${best.name}`, free, 'cpu');
  },
};

/** Whole ones: that is what VMs ask for. */
const cpusFree = (host: HostView): number => Math.max(0, Math.floor(host.cpuMilliFree / 1000));
