import type { HostRequest, HostSnapshot } from '../host-snapshot.ts';
import type { Filter } from './filter.ts';

/** Only hosts that have every label asked for, with that value. */
export const labels: Filter = {
  name: 'labels',
  passes(host, request) {
    for (const name in request.labels) if (host.labels[name] !== request.labels[name]) return false;
    return true;
  },
  why(host, request) {
    const name = missing(host, request)!;
    return Object.hasOwn(host.labels, name) ? `has ${name}=${host.labels[name]}` : `has no label ${name}`;
  },
  remedy(removed, request) {
    const first = removed[0]!;
    const name = missing(first, request)!;
    const values = new Set(removed.flatMap(host => host.labels[name] ?? []));
    return {
      nearest: `${first.name} ${labels.why(first, request)}`,
      fix: values.size
        ? `ask for ${name}=${[...values].sort().slice(0, 5).join(' or ')}`
        : `leave the label ${name} out`,
    };
  },
};

const missing = (host: HostSnapshot, request: HostRequest): string | undefined =>
  Object.keys(request.labels).find(name => host.labels[name] !== request.labels[name]);
