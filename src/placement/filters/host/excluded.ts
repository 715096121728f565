import type { Filter } from '../filter.ts';

/** Only hosts that nobody ruled out by name. */
export const excluded: Filter = {
  name: 'excluded',
  isAsked: query => query.excluded !== null,
  passes: ({ at }, query) => query.excluded === null || !query.excluded.has(at),
  why: ({ name }, { request }) =>
    request.exclude.includes(name) ? 'ruled out by the request' : 'tried already',
  remedy: removed => ({
    nearest: `${removed[0]!.name} is ruled out`,
    fix: 'rule fewer hosts out',
    byAsking: true,
  }),
};
