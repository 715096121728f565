import type { Filter } from '../filter.ts';

/** Only hosts with none of the VMs that the request wants to be apart from. */
export const differentHost: Filter = {
  name: 'different-host',
  isAsked: ({ otherHosts }) => otherHosts !== null,
  passes: ({ at }, { otherHosts }) => otherHosts === null || !otherHosts.has(at),
  why: (_, { request }) => `has one of ${request.differentHostFrom.join(', ')}`,
  remedy: removed => ({
    nearest: `only ${removed[0]!.name} has room, which has one of them`,
    fix: 'name fewer VMs, or add a host',
    byAsking: true,
  }),
};
