import { freeMemMib } from '../host-snapshot.ts';
import { type Filter, grouped, most } from './filter.ts';

/** Only hosts with enough memory left; memory is never given out twice. */
export const memory: Filter = {
  name: 'memory',
  passes: (host, request) => host.memUsedMib + request.memMib <= host.memLimitMib,
  why: host => `${grouped(Math.max(0, freeMemMib(host)))} MiB free`,
  remedy(removed) {
    const best = most(removed, freeMemMib);
    const free = Math.max(0, freeMemMib(best));
    return {
      nearest: `most free: ${grouped(free)} MiB on ${best.name}`,
      fix: free > 0 ? `ask for at most mem=${free}` : 'remove a VM, or add a host',
    };
  },
};
