import { anyOf, type Filter } from '../filter.ts';

/** Only hosts of the zone that was asked for. */
export const zone: Filter = {
  name: 'zone',
  isOfClass: true,
  isAsked: ({ request }) => request.zone !== '',
  passes: ({ host }, { request }) => request.zone === '' || host.zone === request.zone,
  why: ({ host }) => `in zone ${host.zone}`,
  remedy: (removed, { request }) => ({
    nearest: `none is in zone ${request.zone}`,
    fix: `ask for zone ${anyOf(removed.map(({ host }) => host.zone))}`,
    byAsking: true,
  }),
};
