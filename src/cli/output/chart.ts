/** Eighths of a character cell, from the bottom up. */
const EIGHTHS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

export interface ChartOptions {
  /** Characters for the bars, and lines. */
  readonly width: number;
  readonly height: number;
  /** What the axis writes beneath: its left and right end. */
  readonly from: string;
  readonly to: string;
}

/** Shares (0 to 1) as bars with an axis from 0 to 100 %; neighbours are joined to their mean when there are more than fit. */
export function chart(shares: readonly number[], { width, height, from, to }: ChartOptions): string[] {
  const bars = squeeze(shares, Math.min(width, Math.max(1, shares.length)));
  const lines = Array.from({ length: height }, (_, index) => {
    const row = height - 1 - index;
    const label = `${Math.round((100 * (row + 1)) / height)}%`.padStart(4);
    const cells = bars.map(share => {
      const eighths = Math.round(Math.max(0, Math.min(1, share)) * height * 8) - row * 8;
      return EIGHTHS[Math.max(0, Math.min(8, eighths))];
    });
    return `${label} ┤${cells.join('')}`.trimEnd();
  });
  const gap = ' '.repeat(Math.max(1, bars.length - from.length - to.length));
  return [...lines, `  0% └${'─'.repeat(bars.length)}`, `      ${from}${gap}${to}`];
}

function squeeze(values: readonly number[], count: number): number[] {
  return Array.from({ length: count }, (_, index) => {
    const start = Math.floor((index * values.length) / count);
    const end = Math.max(start + 1, Math.floor(((index + 1) * values.length) / count));
    const part = values.slice(start, end);
    return part.reduce((sum, value) => sum + value, 0) / Math.max(1, part.length);
  });
}
