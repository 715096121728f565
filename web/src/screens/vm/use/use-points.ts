import type { VmUsePoint } from '../../../../../src/api/vm.ts';

export const HOUR_MS = 3_600_000;
/** Where nothing was told for so long the line has a gap. */
const GAP_MS = 90_000;

export interface ChartPoint {
  readonly atMs: number;
  readonly value: number;
}

/** The points of one figure, in runs without a gap; a figure that is not known is a gap, too. */
export function runsOf(
  points: readonly VmUsePoint[],
  figure: (point: VmUsePoint) => number | null,
): ChartPoint[][] {
  const runs: ChartPoint[][] = [];
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const point of points) {
    const atMs = Date.parse(point.at);
    const value = figure(point);
    if (value === null) {
      lastMs = Number.NEGATIVE_INFINITY;
      continue;
    }
    if (atMs - lastMs > GAP_MS) runs.push([]);
    runs.at(-1)!.push({ atMs, value });
    lastMs = atMs;
  }
  return runs;
}

/** A chart reaches at least so far, lest next to nothing looks like much. */
const LEAST_PERCENT = 10;
const LEAST_BYTES = 1024;

/** The least round number that nothing goes beyond: 1, 2 or 5 times a power of ten (of two for bytes). */
export function roundMost(highest: number, isBytes: boolean): number {
  const most = Math.max(highest, isBytes ? LEAST_BYTES : LEAST_PERCENT);
  if (isBytes) return 2 ** Math.ceil(Math.log2(most));
  const ten = 10 ** Math.floor(Math.log10(most));
  return ten * ([1, 2, 5, 10].find(step => step * ten >= most) ?? 10);
}

/** `1.5 MiB`; whole numbers from 100 on. */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const at = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const figure = bytes / 1024 ** at;
  return `${at === 0 || figure >= 100 ? Math.round(figure) : figure.toFixed(1)} ${units[at]}`;
}

export const rateText = (bytesPerSecond: number): string => `${sizeText(bytesPerSecond)}/s`;
export const percentText = (percent: number): string =>
  `${percent >= 100 ? Math.round(percent) : percent.toFixed(1)} %`;
