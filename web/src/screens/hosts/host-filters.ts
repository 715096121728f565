import type { FleetMapView } from '../../../../src/api/host.ts';

export const HOST_STATES = ['up', 'draining', 'down', 'lost'] as const;

/** What is shown of the hosts. All of it stands in the address. */
export interface HostFilters {
  readonly state?: string;
  /** In the name, the zone or the rack. */
  readonly find?: string;
  /** By labels, as `disk=ssd,zone in (a,b)`. */
  readonly selector?: string;
}

/** Reads an address; what is none of ours is passed over. */
export function readHostFilters({ state, find, selector }: Record<string, unknown>): HostFilters {
  return {
    ...(HOST_STATES.some(known => known === state) && { state: state as string }),
    ...(typeof find === 'string' && find !== '' && { find }),
    ...(typeof selector === 'string' && selector !== '' && { selector }),
  };
}

/** Places in the map of the hosts that fit. */
export function hostsLike(map: FleetMapView, { state, find = '' }: HostFilters): number[] {
  const wanted = find.trim().toLowerCase();
  const holds = (text: string): boolean => text.toLowerCase().includes(wanted);
  const zones = map.zones.map(holds);
  const racks = map.racks.map(holds);
  const wantedState = state === undefined ? -1 : map.states.indexOf(state);
  const rows: number[] = [];
  for (let row = 0; row < map.name.length; row++) {
    if (wantedState >= 0 && map.state[row] !== wantedState) continue;
    if (wanted !== '' && !zones[map.zone[row]!] && !racks[map.rack[row]!] && !holds(map.name[row]!)) continue;
    rows.push(row);
  }
  return rows;
}
