import type { Filter } from '../filter.ts';

/** Only hosts that may take one VM more. */
export const vms: Filter = {
  name: 'vms',
  passes: host => host.vmsFree >= 1,
  why: ({ vms: count, host }) => `${count} VMs of at most ${host.vmsMax}`,
  remedy: (removed, query) => ({
    nearest: `${removed[0]!.name} has ${vms.why(removed[0]!, query)}`,
    fix: 'remove a VM, or add a host',
    byAsking: false,
  }),
};
