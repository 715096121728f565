import { anyOf, type Filter } from '../filter.ts';

/** Only hosts of the rack that was asked for. */
export const rack: Filter = {
  name: 'rack',
  isOfClass: true,
  isAsked: ({ request }) => request.rack !== '',
  passes: ({ host }, { request }) => request.rack === '' || host.rack === request.rack,
  why: ({ host }) => (host.rack ? `in rack ${host.rack}` : 'in no rack'),
  remedy(removed, { request }) {
    const racks = removed.map(({ host }) => host.rack).filter(Boolean);
    const fix = racks.length > 0 ? `ask for rack ${anyOf(racks)}` : 'leave the rack out';
    return { nearest: `none is in rack ${request.rack}`, fix, byAsking: true };
  },
};
