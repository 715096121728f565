import type { Filter } from '../filter.ts';

/** Only hosts that nobody ruled out by name. */
export const excluded: Filter = {
  name: 'excluded',
  isAsked: ({ exclude, avoid }) => exclude.size + avoid.size > 0,
  passes: ({ host }, { exclude, avoid }) =>
    (exclude.size === 0 || !exclude.has(host.name)) && (avoid.size === 0 || !avoid.has(host.name)),
  why: ({ name }, { exclude }) => (exclude.has(name) ? 'ruled out by the request' : 'tried already'),
  remedy: removed => ({
    nearest: `${removed[0]!.name} is ruled out`,
    fix: 'rule fewer hosts out',
    byAsking: true,
  }),
};
