// biome-ignore-all lint/a11y/useSemanticElements: rows that are placed by hand are no rows of a <table>; their roles say what they are
// biome-ignore-all lint/a11y/useFocusableInteractive: nothing is picked in this table; what is focused are the links in its rows
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, memo, type ReactNode, useCallback, useEffect, useRef } from 'react';

export interface Column<Row> {
  readonly name: string;
  readonly head: ReactNode;
  /** A track of a CSS grid, as `8rem` or `minmax(10rem,1fr)`. */
  readonly width: string;
  readonly cell: (row: Row) => ReactNode;
  readonly right?: boolean;
}

export interface TableProps<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  /** Newest array, same rows: a row that is the same object is not drawn again. */
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string | number;
  /** One row on a narrow screen, in place of its columns. It gets the height of a narrow row. */
  readonly narrow: (row: Row) => ReactNode;
  readonly isNarrow: boolean;
  /** More rows are to be had when the last is near. */
  readonly onEnd?: () => void;
  /** Whether the first row is in sight. */
  readonly onTop?: (atTop: boolean) => void;
}

const ROW_PX = 34;
const NARROW_ROW_PX = 62;
const HEAD_PX = 32;
const NEAR_ROWS = 40;

/**
 * A table of any length: only the rows in sight are in the document. The arrows go from row to row where a row has a link;
 * a screen reader is told how many rows there are and which it is in.
 */
export function Table<Row>(props: TableProps<Row>) {
  const { label, columns, rows, keyOf, isNarrow, onEnd, onTop } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const height = isNarrow ? NARROW_ROW_PX : ROW_PX;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: useCallback(() => height, [height]),
    overscan: 8,
    getItemKey: useCallback((index: number) => keyOf(rows[index]!), [rows, keyOf]),
  });
  // Heights differ between the two ways to show a row.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `height` is why it is measured anew
  useEffect(() => virtual.measure(), [virtual, height]);
  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? -1;
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - NEAR_ROWS) onEnd?.();
  }, [last, rows.length, onEnd]);
  return (
    <div
      ref={scroller}
      role="table"
      tabIndex={-1}
      aria-label={label}
      aria-rowcount={rows.length + 1}
      onScroll={() => onTop?.(scroller.current!.scrollTop < height)}
      onKeyDown={event =>
        moveByKey(event, scroller.current!, index => virtual.scrollToIndex(index), rows.length)
      }
      className="h-full overflow-auto overscroll-contain outline-none"
    >
      <div
        role="row"
        aria-rowindex={1}
        className={
          isNarrow
            ? 'sr-only'
            : 'sticky top-0 z-10 grid items-center gap-3 border-b bg-card px-3 text-xs font-medium text-soft'
        }
        style={isNarrow ? undefined : { gridTemplateColumns: tracksOf(columns), height: HEAD_PX }}
      >
        {columns.map(({ name, head: text, right }) => (
          <div key={name} role="columnheader" className={`truncate ${right ? 'text-right' : ''}`}>
            {text}
          </div>
        ))}
      </div>
      <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
        {shown.map(({ index, key, start }) => (
          <TableRow key={key} row={rows[index]!} index={index} top={start} {...props} height={height} />
        ))}
      </div>
    </div>
  );
}

interface RowProps<Row> extends Pick<TableProps<Row>, 'columns' | 'narrow' | 'isNarrow'> {
  readonly row: Row;
  readonly index: number;
  readonly top: number;
  readonly height: number;
}

/** Where a row stands changes with every new row above it; what is in it does not, and is not drawn again. */
function TableRow<Row>({ row, index, top, height, columns, narrow, isNarrow }: RowProps<Row>) {
  const place = { height, transform: `translateY(${top}px)` };
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      data-index={index}
      className="absolute inset-x-0 top-0 grid items-center gap-3 border-b border-line/60 px-3 hover:bg-sunk/60 has-[a:focus-visible]:bg-accent-soft/60"
      style={isNarrow ? place : { ...place, gridTemplateColumns: tracksOf(columns) }}
    >
      <Cells row={row} columns={columns} narrow={narrow} isNarrow={isNarrow} />
    </div>
  );
}

const Cells = memo(drawCells) as typeof drawCells;

function drawCells<Row>(props: Pick<RowProps<Row>, 'row' | 'columns' | 'narrow' | 'isNarrow'>) {
  const { row, columns, narrow, isNarrow } = props;
  if (isNarrow) return <div role="cell">{narrow(row)}</div>;
  return columns.map(({ name, cell, right }) => (
    <div key={name} role="cell" className={`truncate ${right ? 'text-right' : ''}`}>
      {cell(row)}
    </div>
  ));
}

const tracksOf = (columns: readonly { readonly width: string }[]): string =>
  columns.map(({ width }) => width).join(' ');

function moveByKey(
  event: KeyboardEvent,
  scroller: HTMLElement,
  show: (index: number) => void,
  count: number,
): void {
  const active = document.activeElement as HTMLElement | null;
  const isOnItsWay = active === scroller && scroller.dataset.goal !== undefined;
  const at = active?.closest<HTMLElement>('[data-index]');
  if (!isOnItsWay && (!at || !scroller.contains(at))) return;
  const index = Number(isOnItsWay ? scroller.dataset.goal : at?.dataset.index);
  const height = scroller.querySelector<HTMLElement>('[data-index]')?.offsetHeight ?? scroller.clientHeight;
  const page = Math.max(1, Math.floor(scroller.clientHeight / height) - 1);
  const to = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    PageDown: index + page,
    PageUp: index - page,
    Home: 0,
    End: count - 1,
  }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const next = Math.min(count - 1, Math.max(0, to));
  scroller.dataset.goal = String(next);
  // Until the row is drawn, which takes a busy page some frames, the table has the focus: the row that had it may be drawn no more, and keys would go nowhere.
  if (linkOf(scroller, next) === null) scroller.focus({ preventScroll: true });
  show(next);
  requestAnimationFrame(() => focusRow(scroller, next, FRAMES_MOST));
}

const FRAMES_MOST = 120;

const linkOf = (scroller: HTMLElement, index: number) =>
  scroller.querySelector<HTMLElement>(`[data-index="${index}"] a`);

/** Unless another row is wanted by now. */
function focusRow(scroller: HTMLElement, index: number, frames: number): void {
  requestAnimationFrame(() => {
    if (scroller.dataset.goal !== String(index)) return;
    const link = linkOf(scroller, index);
    if (link === null && frames > 0) return focusRow(scroller, index, frames - 1);
    delete scroller.dataset.goal;
    link?.focus({ preventScroll: true });
  });
}
