import { anyOf, type Filter } from '../filter.ts';

/** Only hosts with the accelerator and the hypervisor that the image needs. */
export const image: Filter = {
  name: 'image',
  isOfClass: true,
  isAsked: ({ request }) => Boolean(request.image.accelerator || request.image.hypervisor),
  passes: ({ host }, { request }) =>
    (!request.image.accelerator || host.accelerator === request.image.accelerator) &&
    (!request.image.hypervisor || host.hypervisor === request.image.hypervisor),
  why: ({ host }) => `has ${[host.accelerator, host.hypervisor].filter(Boolean).join(' and ') || 'neither'}`,
  remedy(removed, query) {
    const has = removed.map(({ host }) => [host.accelerator, host.hypervisor].filter(Boolean).join(' with '));
    return {
      nearest: `${removed[0]!.name} ${image.why(removed[0]!, query)}`,
      fix: `take an image for ${anyOf(has.filter(Boolean)) || 'any host'}`,
      byAsking: true,
    };
  },
};
