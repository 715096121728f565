import type { Filter } from '../filter.ts';

/** Hard anti-affinity: only where nobody of the group is. */
export const antiAffinity: Filter = {
  name: 'anti-affinity',
  isAsked: ({ request }) => request.group?.hard === true && request.group.rule === 'anti-affinity',
  passes(host, query) {
    const { group } = query.request;
    if (group === null || !group.hard || group.rule !== 'anti-affinity') return true;
    return query.membersNear(host) === 0;
  },
  why: (_, { request }) => `has a VM of ${request.group?.name} in its ${request.group?.scope}`,
  remedy: (removed, { request }) => ({
    nearest: `${removed[0]!.name} has a VM of ${request.group?.name} in its ${request.group?.scope}`,
    fix: `add a ${request.group?.scope}, or make the rule of the group soft`,
    byAsking: true,
  }),
};
