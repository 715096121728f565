import { widthOf } from '../output/text.ts';

type Terminal = NodeJS.WriteStream;

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
/** Terminals that know it show what comes between at once; others pass over it. */
const BEGIN_UPDATE = '\u001b[?2026h';
const END_UPDATE = '\u001b[?2026l';

/** Lines at the bottom of a terminal that are drawn again in place: only changed rows are written. */
export class Screen {
  private readonly terminal: Terminal;
  private lines: readonly string[] = [];
  private columns: number;

  constructor(terminal: Terminal) {
    this.terminal = terminal;
    this.columns = this.size.columns;
  }

  /** Of the terminal; 80 × 24 where it does not know, as on a serial line, which says 0. */
  get size(): { columns: number; rows: number } {
    return { columns: this.terminal.columns || 80, rows: this.terminal.rows || 24 };
  }

  draw(lines: readonly string[]): void {
    const { columns } = this.size;
    const resized = columns !== this.columns;
    if (
      !resized &&
      lines.length === this.lines.length &&
      lines.every((line, index) => line === this.lines[index])
    )
      return;
    // After a resize the old lines may be wrapped over more rows than they were written on.
    const height = this.lines.reduce(
      (sum, line) => sum + (resized ? Math.max(1, Math.ceil(widthOf(line) / columns)) : 1),
      0,
    );
    let text = `${BEGIN_UPDATE}${HIDE_CURSOR}${height > 0 ? `\u001b[${height}F` : ''}`;
    if (resized) text += '\u001b[0J';
    for (const [index, line] of lines.entries()) {
      text += !resized && line === this.lines[index] ? '\n' : `${line}\u001b[0K\n`;
    }
    this.terminal.write(`${text}\u001b[0J${END_UPDATE}`);
    this.lines = lines;
    this.columns = columns;
  }

  /** Leaves the last picture and gives the cursor back. */
  close(): void {
    this.terminal.write(SHOW_CURSOR);
  }
}
