import type { Filter } from '../filter.ts';

/** Hard affinity: only where the group is, once it is somewhere. */
export const affinity: Filter = {
  name: 'affinity',
  isAsked: ({ request }) => request.group?.hard === true && request.group.rule === 'affinity',
  passes(host, query) {
    const { group } = query.request;
    if (group === null || !group.hard || group.rule !== 'affinity') return true;
    return query.groupHosts.length === 0 || query.membersNear(host) > 0;
  },
  why: (_, { request }) => `${request.group?.name} is elsewhere`,
  remedy: (_, { request }) => ({
    nearest: `the ${request.group?.scope} of ${request.group?.name} takes no more`,
    fix: 'ask for less, or make the rule of the group soft',
    byAsking: true,
  }),
};
