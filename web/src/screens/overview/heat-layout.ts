import type { FleetMapView } from '../../../../src/api/host.ts';

export type GroupBy = 'zone' | 'rack';
export type ColourBy = 'cpu' | 'mem' | 'state';

/** A group of hosts, one after the other in `order`. */
export interface HeatGroup {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** Pixels from the top: of its name, and of its cells. */
  readonly top: number;
  readonly cellsTop: number;
}

export interface HeatLayout {
  /** Hosts as they are drawn: places in the columns of the map. */
  readonly order: Uint32Array;
  readonly groups: readonly HeatGroup[];
  /** Side of a cell with the gap after it, in pixels. */
  readonly step: number;
  readonly columns: number;
  readonly height: number;
}

const HEAD_PX = 20;
const GROUP_GAP_PX = 8;
const STEP = { most: 22, least: 4 };
/** Taller than this it is not: cells get smaller. */
const HEIGHT_MOST = 420;

/** Where each host lies on a map so many pixels wide. Hosts are in order within their group. */
export function layOut(map: FleetMapView, by: GroupBy, width: number): HeatLayout {
  const names = by === 'zone' ? map.zones : map.racks;
  const groupOf = by === 'zone' ? map.zone : map.rack;
  const ranks = rankOf(names);
  const sizes = new Uint32Array(names.length);
  for (const group of groupOf) sizes[ranks[group]!]! += 1;
  const starts = new Uint32Array(names.length);
  for (let rank = 1; rank < names.length; rank++) starts[rank] = starts[rank - 1]! + sizes[rank - 1]!;
  const next = starts.slice();
  const order = new Uint32Array(map.name.length);
  for (let host = 0; host < groupOf.length; host++) order[next[ranks[groupOf[host]!]!]!++] = host;
  const sorted = [...names].sort(inOrder);
  let step = STEP.most;
  let layout = place(sorted, sizes, width, step);
  while (layout.height > HEIGHT_MOST && step > STEP.least) {
    step -= 1;
    layout = place(sorted, sizes, width, step);
  }
  return { order, step, ...layout };
}

const inOrder = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

function rankOf(names: readonly string[]): number[] {
  const sorted = names.map((name, at) => ({ name, at })).sort((a, b) => inOrder(a.name, b.name));
  const ranks: number[] = [];
  for (const [rank, { at }] of sorted.entries()) ranks[at] = rank;
  return ranks;
}

function place(
  names: readonly string[],
  sizes: Uint32Array,
  width: number,
  step: number,
): { groups: HeatGroup[]; columns: number; height: number } {
  const columns = Math.max(1, Math.floor(width / step));
  const groups: HeatGroup[] = [];
  let top = 0;
  let from = 0;
  for (const [rank, name] of names.entries()) {
    const size = sizes[rank]!;
    if (size === 0) continue;
    const cellsTop = top + HEAD_PX;
    groups.push({ name, from, to: from + size, top, cellsTop });
    top = cellsTop + Math.ceil(size / columns) * step + GROUP_GAP_PX;
    from += size;
  }
  return { groups, columns, height: top };
}

/** Place in `order` of the cell there; null beside all cells. */
export function cellAt(layout: HeatLayout, x: number, y: number): number | null {
  const { groups, columns, step } = layout;
  const group = groups.findLast(({ cellsTop }) => y >= cellsTop);
  const column = Math.floor(x / step);
  if (group === undefined || column < 0 || column >= columns) return null;
  const at = group.from + Math.floor((y - group.cellsTop) / step) * columns + column;
  return at < group.to ? at : null;
}

/** The upper left corner of a cell. */
export function cornerOf(layout: HeatLayout, at: number): { x: number; y: number } {
  const { groups, columns, step } = layout;
  const group = groups.findLast(({ from }) => at >= from)!;
  const inGroup = at - group.from;
  return { x: (inGroup % columns) * step, y: group.cellsTop + Math.floor(inGroup / columns) * step };
}

/** The cell that an arrow leads to; the same where there is none. */
export function cellBeside(layout: HeatLayout, at: number, key: string): number | null {
  const last = layout.order.length - 1;
  const { x, y } = cornerOf(layout, at);
  switch (key) {
    case 'ArrowRight':
      return Math.min(last, at + 1);
    case 'ArrowLeft':
      return Math.max(0, at - 1);
    case 'Home':
      return 0;
    case 'End':
      return last;
    case 'ArrowDown':
    case 'ArrowUp': {
      const down = key === 'ArrowDown' ? 1 : -1;
      const beside = cellAt(layout, x, y + down * layout.step);
      if (beside !== null) return beside;
      // Into the group above or beneath, at the same column where it has one.
      const index = layout.groups.findIndex(({ from, to }) => at >= from && at < to) + down;
      const group = layout.groups[index];
      if (group === undefined) return at;
      const column = Math.round(x / layout.step);
      if (down > 0) return Math.min(group.to - 1, group.from + column);
      const rows = Math.ceil((group.to - group.from) / layout.columns);
      return Math.min(group.to - 1, group.from + (rows - 1) * layout.columns + column);
    }
    default:
      return null;
  }
}
