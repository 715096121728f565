import { freeCpu } from '../host-snapshot.ts';
import { type Filter, grouped, most } from './filter.ts';

/** Only hosts with enough CPUs left, overcommit counted in. */
export const cpu: Filter = {
  name: 'cpu',
  passes: (host, request) => host.cpuUsed + request.cpu <= host.cpuLimit,
  why: host => `${grouped(Math.max(0, freeCpu(host)))} CPUs free`,
  remedy(removed) {
    const best = most(removed, freeCpu);
    const free = Math.max(0, freeCpu(best));
    return {
      nearest: `most free: ${grouped(free)} CPUs on ${best.name}`,
      fix: free > 0 ? `ask for at most cpu=${free}` : 'remove a VM, or add a host',
    };
  },
};
