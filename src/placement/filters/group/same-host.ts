import type { Filter } from '../filter.ts';

/** Only hosts with one of the VMs that the request wants to be beside. */
export const sameHost: Filter = {
  name: 'same-host',
  isAsked: ({ sameHosts }) => sameHosts !== null,
  passes: ({ at }, { sameHosts }) => sameHosts === null || sameHosts.has(at),
  why: (_, { request }) => `has none of ${request.sameHostAs.join(', ')}`,
  remedy: (_, { request, sameHosts }) => ({
    nearest:
      sameHosts?.size === 0
        ? `${request.sameHostAs.join(', ')}: on no host`
        : 'the host of the other VM takes no more',
    fix: 'name another VM, or leave it out',
    byAsking: true,
  }),
};
