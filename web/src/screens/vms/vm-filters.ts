import type { VmFilters } from '../../api/fleet.ts';

/** Reads what is looked for from an address; what is none of ours is passed over. */
export function readVmFilters({ find, selector }: Record<string, unknown>): VmFilters {
  return {
    ...(typeof find === 'string' && find !== '' && { find }),
    ...(typeof selector === 'string' && selector !== '' && { selector }),
  };
}
