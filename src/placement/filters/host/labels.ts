import type { HostView } from '../../inventory/host-view.ts';
import type { Query } from '../../query.ts';
import { anyOf, type Filter } from '../filter.ts';

/** Only hosts that have every label asked for, with that value. */
export const labels: Filter = {
  name: 'labels',
  isOfClass: true,
  isAsked: ({ request }) => Object.keys(request.labels).length > 0,
  passes: ({ host }, { request }) => {
    for (const name in request.labels) if (host.labels[name] !== request.labels[name]) return false;
    return true;
  },
  why(view, query) {
    const name = missing(view, query)!;
    const { labels: has } = view.host;
    return Object.hasOwn(has, name) ? `has ${name}=${has[name]}` : `has no label ${name}`;
  },
  remedy(removed, query) {
    const first = removed[0]!;
    const name = missing(first, query)!;
    const values = removed.flatMap(({ host }) => host.labels[name] ?? []);
    return {
      nearest: `${first.name} ${labels.why(first, query)}`,
      fix: values.length > 0 ? `ask for ${name}=${anyOf(values)}` : `leave the label ${name} out`,
      byAsking: true,
    };
  },
};

const missing = ({ host }: HostView, { request }: Query): string | undefined =>
  Object.keys(request.labels).find(name => host.labels[name] !== request.labels[name]);
