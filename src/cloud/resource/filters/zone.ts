import type { Filter } from './filter.ts';

/** Only hosts of the zone that was asked for. */
export const zone: Filter = {
  name: 'zone',
  passes: (host, request) => request.zone === '' || host.zone === request.zone,
  why: host => `in zone ${host.zone}`,
  remedy(removed, request) {
    const zones = [...new Set(removed.map(host => host.zone))].sort().slice(0, 5);
    return { nearest: `none is in zone ${request.zone}`, fix: `ask for zone ${zones.join(' or ')}` };
  },
};
