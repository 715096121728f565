import type { Style } from './style.ts';
import { truncateStyled, widthOf } from './text.ts';

export interface Column<Row> {
  readonly head: string;
  /** The cell's text, colours allowed. */
  cell(row: Row): string;
  /** Numbers stand at the right. */
  readonly right?: boolean;
  /** Only with `-o wide`. */
  readonly wide?: boolean;
}

export interface TableOptions {
  /** Cut lines to so many columns; null = never (not a terminal). */
  readonly columns: number | null;
  readonly wide: boolean;
  readonly style: Style;
}

/** Rows as aligned lines under a head. Columns that are empty in every row are left out. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: TableOptions,
): string[] {
  const shown = columns
    .filter(column => options.wide || !column.wide)
    .map(column => ({ column, cells: rows.map(row => column.cell(row)) }))
    .filter(({ cells }) => cells.some(cell => cell !== ''));
  const widths = shown.map(({ column, cells }) =>
    cells.reduce((max, cell) => Math.max(max, widthOf(cell)), column.head.length),
  );
  const line = (cells: readonly string[]) => {
    const text = cells
      .map((cell, index) => pad(cell, widths[index] ?? 0, shown[index]?.column.right === true))
      .join('  ');
    const trimmed = text.replace(/ +$/, '');
    return options.columns === null ? trimmed : truncateStyled(trimmed, options.columns);
  };
  const head = line(shown.map(({ column }) => column.head));
  return [
    options.style('dim', head),
    ...rows.map((_row, index) => line(shown.map(({ cells }) => cells[index] ?? ''))),
  ];
}

function pad(text: string, width: number, right: boolean): string {
  const fill = ' '.repeat(Math.max(0, width - widthOf(text)));
  return right ? fill + text : text + fill;
}
