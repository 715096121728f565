import type { Row } from '../row.ts';

const HEAD = ['measure', 'figure', 'reference', 'its figure', 'ratio', 'goal', 'met'];

/** The cells of each row, as people read them. */
export function cells(rows: readonly Row[]): string[][] {
  return [
    HEAD,
    ...rows.map(row => [
      row.name,
      `${figure(row.value)} ${row.unit}`,
      row.reference ?? '',
      row.referenceValue === null ? '' : `${figure(row.referenceValue)} ${row.unit}`,
      row.ratio === null ? '' : row.ratio.toFixed(2),
      row.goal ?? '',
      row.met === null ? '' : row.met ? 'yes' : 'no',
    ]),
  ];
}

/** An aligned table for a terminal. */
export function table(rows: readonly Row[]): string {
  const lines = cells(rows);
  const widths = HEAD.map((_, column) => Math.max(...lines.map(line => (line[column] ?? '').length)));
  return lines
    .map(line =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function figure(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}
