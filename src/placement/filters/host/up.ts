import type { Filter } from '../filter.ts';

/** Only hosts that take new VMs. */
export const up: Filter = {
  name: 'up',
  passes: ({ host }) => host.state === 'up',
  why: ({ host }) => (host.reason ? `${host.state}: ${host.reason}` : host.state),
  remedy(removed, query) {
    const first = removed[0]!;
    return {
      nearest: `${first.name} is ${up.why(first, query)}`,
      fix: '`coax doctor` says what a host lacks; `coax up --simulate` needs no hypervisor',
      byAsking: false,
    };
  },
};
