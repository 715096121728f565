import type { HostView } from '../../../../src/api/host.ts';

/** One square of the map: a host, or where there are too many to see, a rack. */
export interface FleetCell {
  readonly name: string;
  readonly zone: string;
  readonly rack: string;
  readonly hosts: number;
  /** The worst of its hosts. */
  readonly state: HostView['state'];
  /** What is taken of CPUs and of memory, from 0 to 1. */
  readonly cpu: number;
  readonly mem: number;
  readonly vms: number;
}

/** More squares than these would be smaller than a finger, and slower than a frame. */
const CELLS_MAX = 1200;
const WORST: readonly HostView['state'][] = ['lost', 'down', 'draining', 'up'];

/** Squares in the order of zones, racks and names. */
export function cellsOf(hosts: readonly HostView[]): FleetCell[] {
  const cells = hosts.map(cellOf).sort(byPlace);
  if (cells.length <= CELLS_MAX) return cells;
  return [...Map.groupBy(cells, ({ zone, rack }) => JSON.stringify([zone, rack])).values()].map(rackCell);
}

/** The load that limits first. */
export const loadOf = ({ cpu, mem }: FleetCell): number => Math.max(cpu, mem);

const taken = ({ used, free }: { used: number; free: number }): number => {
  const all = used + Math.max(0, free);
  return all === 0 ? 0 : used / all;
};

function cellOf({ name, zone, rack, state, cpu, memMib, vms }: HostView): FleetCell {
  return { name, zone, rack, hosts: 1, state, cpu: taken(cpu), mem: taken(memMib), vms };
}

function rackCell(cells: readonly FleetCell[]): FleetCell {
  const mean = (of: (cell: FleetCell) => number): number =>
    cells.reduce((sum, cell) => sum + of(cell), 0) / cells.length;
  const { zone, rack } = cells[0]!;
  return {
    name: [zone, rack].filter(Boolean).join('/'),
    zone,
    rack,
    hosts: cells.length,
    state: WORST.find(state => cells.some(cell => cell.state === state)) ?? 'up',
    cpu: mean(({ cpu }) => cpu),
    mem: mean(({ mem }) => mem),
    vms: cells.reduce((sum, { vms }) => sum + vms, 0),
  };
}

function byPlace(a: FleetCell, b: FleetCell): number {
  return (
    compare(a.zone, b.zone) ||
    compare(a.rack, b.rack) ||
    a.name.localeCompare(b.name, 'en', { numeric: true })
  );
}

const compare = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });
