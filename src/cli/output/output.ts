import { type ColorChoice, makeStyle, type Style } from './style.ts';
import { type Column, table } from './table.ts';
import { plain } from './text.ts';
import { duration, instant, type TimeStyle, timeText } from './time.ts';

export type OutputFormat = 'table' | 'wide' | 'json' | 'jsonl' | 'yaml' | 'name';

export interface OutputOptions {
  readonly format: OutputFormat;
  readonly utc: boolean;
  readonly color: ColorChoice;
  readonly quiet: boolean;
}

type Stream = NodeJS.WritableStream & { isTTY?: boolean; columns?: number };

/**
 * Where a verb prints. Data goes to standard output in the format that was asked for; hints and progress to standard error,
 * so that a pipe never sees them.
 */
export class Output {
  readonly format: OutputFormat;
  readonly style: Style;
  readonly errorStyle: Style;
  readonly quiet: boolean;
  readonly stdout: Stream;
  readonly stderr: Stream;
  private readonly times: TimeStyle;

  constructor(options: OutputOptions, stdout: Stream = process.stdout, stderr: Stream = process.stderr) {
    this.format = options.format;
    this.quiet = options.quiet;
    this.stdout = stdout;
    this.stderr = stderr;
    this.times = options.utc ? 'utc' : options.format === 'wide' ? 'local' : 'age';
    this.style = makeStyle(stdout as NodeJS.WriteStream, options.color);
    this.errorStyle = makeStyle(stderr as NodeJS.WriteStream, options.color);
  }

  /** Is the output for people (and not for programs)? */
  get forPeople(): boolean {
    return this.format === 'table' || this.format === 'wide';
  }

  /** Columns of the terminal; null when standard output is none, or one that does not know (a serial line says 0). */
  get columns(): number | null {
    return this.stdout.isTTY ? this.stdout.columns || null : null;
  }

  time(time: string | number): string {
    return timeText(time, this.times, Date.now());
  }

  /** A moment to come: `in 1h59m`, or when exactly. */
  timeLeft(time: string): string {
    const ms = instant(time) - Date.now();
    if (this.times !== 'age') return this.time(time);
    return ms > 0 ? `in ${duration(ms)}` : 'now';
  }

  /** The head of a column of times: an age has another name than a date. */
  timeHead(ageHead: string, exactHead: string): string {
    return this.times === 'age' ? ageHead : exactHead;
  }

  /** A line of data. */
  line(text = ''): void {
    this.stdout.write(`${text}\n`);
  }

  /** A line of talk, on standard error. */
  hint(text: string): void {
    if (!this.quiet) this.stderr.write(`${text}\n`);
  }

  /** One object: `people` prints it, or it goes out unchanged. */
  async object<T>(value: T, name: string, people: () => void): Promise<void> {
    if (this.forPeople) people();
    else if (this.format === 'name') this.line(name);
    else await this.data(value);
  }

  /** A list: a table, or `{"items": […]}`; `empty` is the hint when there is nothing. */
  async list<T>(page: { readonly items: readonly T[] }, options: ListOptions<T>): Promise<void> {
    if (this.format === 'name') for (const item of page.items) this.line(options.name(item));
    else if (!this.forPeople) await this.data(page);
    else if (page.items.length === 0) this.hint(options.empty);
    else for (const line of this.table(page.items, options.columns)) this.line(line);
  }

  table<T>(rows: readonly T[], columns: readonly Column<T>[], width = this.columns): string[] {
    return table(rows, columns, { columns: width, wide: this.format === 'wide', style: this.style });
  }

  /** Names beside values, for one thing. */
  fields(rows: readonly (readonly [name: string, value: string | number | null | undefined])[]): void {
    const shown = rows.filter(([, value]) => value !== null && value !== undefined && value !== '');
    const width = Math.max(...shown.map(([name]) => name.length));
    for (const [name, value] of shown) this.line(`${this.style('dim', name.padEnd(width))}  ${value}`);
  }

  /** A value for programs, in the format that was asked for. */
  async data(value: unknown): Promise<void> {
    if (this.format === 'yaml') {
      const { stringify } = await import('yaml');
      this.stdout.write(stringify(value, { lineWidth: 0 }));
    } else if (this.format === 'jsonl') {
      const items = isPage(value) ? value.items : [value];
      for (const item of items) this.line(JSON.stringify(item));
    } else this.line(JSON.stringify(value, null, this.stdout.isTTY ? 2 : undefined));
  }
}

export interface ListOptions<T> {
  readonly columns: readonly Column<T>[];
  name(item: T): string;
  readonly empty: string;
}

function isPage(value: unknown): value is { items: readonly unknown[] } {
  return typeof value === 'object' && value !== null && Array.isArray((value as { items?: unknown }).items);
}

/** A cell for text that came from elsewhere. */
export function cell(value: string | number | null | undefined): string {
  return value === null || value === undefined ? '' : plain(String(value));
}
