import { setTimeout as sleep } from 'node:timers/promises';
import { SORTS, type TopSort } from '../commands/linux/top-rows.ts';
import type { Output } from '../output/output.ts';
import { truncateStyled } from '../output/text.ts';
import { Screen } from './screen.ts';

/** What there is to see at one instant, by any figure. */
export interface TopLook {
  /** For programs. */
  answer(sort: TopSort, limit: number): object;
  /** For people. */
  lines(out: Output, sort: TopSort, limit: number): string[];
  names(sort: TopSort, limit: number): string[];
}

export interface TopSource extends Disposable {
  /** What was used since the last look, or since it was opened. */
  look(): Promise<TopLook>;
}

export interface TopOptions {
  readonly delayMs: number;
  readonly sort: TopSort;
  /** Rows at most; as many as fit when not given. */
  readonly limit?: number;
  /** Looks; on a terminal a picture that is drawn over until q when not given. */
  readonly times?: number;
}

/** Pictures one after the other; on a terminal each in place of the one before, until q or Ctrl-C. */
export async function showTop(source: TopSource, out: Output, options: TopOptions): Promise<void> {
  const { stdout } = out;
  if (options.times === undefined)
    return await new LiveTop(source, out, stdout as NodeJS.WriteStream, options).run();
  const { delayMs, sort, limit = Number.POSITIVE_INFINITY, times } = options;
  for (let turn = 0; turn < times; turn += 1) {
    await sleep(delayMs);
    const look = await source.look();
    if (turn > 0 && out.forPeople) out.line();
    if (out.format === 'name') for (const name of look.names(sort, limit)) out.line(name);
    else if (out.forPeople) for (const line of look.lines(out, sort, limit)) out.line(line);
    else await out.data(look.answer(sort, limit));
  }
}

/** The first picture comes after so long: with less there would be little to see in it. */
const FIRST_MS = 1000;
const KEYS: Readonly<Record<string, TopSort>> = {
  c: 'cpu',
  m: 'mem',
  r: 'read',
  w: 'write',
  i: 'io',
  d: 'delay',
};
const HELP = SORTS.map(sort => `${Object.keys(KEYS).find(key => KEYS[key] === sort)} ${sort}`).join('  ');
const CTRL_C = '\u0003';

class LiveTop {
  readonly #source: TopSource;
  readonly #out: Output;
  readonly #options: TopOptions;
  readonly #screen: Screen;
  readonly #end = new AbortController();
  #sort: TopSort;
  #look: TopLook | null = null;

  constructor(source: TopSource, out: Output, terminal: NodeJS.WriteStream, options: TopOptions) {
    this.#source = source;
    this.#out = out;
    this.#options = options;
    this.#sort = options.sort;
    this.#screen = new Screen(terminal);
  }

  async run(): Promise<void> {
    const { stdin, stdout } = process;
    const onKey = (key: Buffer): void => this.#press(key.toString());
    const onEnd = (): void => this.#end.abort();
    const onResize = (): void => this.#draw();
    if (stdin.isTTY) stdin.setRawMode(true).on('data', onKey);
    stdout.on('resize', onResize);
    process.once('SIGINT', onEnd).once('SIGTERM', onEnd);
    try {
      await this.#follow();
    } finally {
      process.off('SIGINT', onEnd).off('SIGTERM', onEnd);
      stdout.off('resize', onResize);
      if (stdin.isTTY) stdin.off('data', onKey).setRawMode(false).pause();
      this.#screen.close();
    }
  }

  async #follow(): Promise<void> {
    const { delayMs } = this.#options;
    const { signal } = this.#end;
    for (let wait = Math.min(FIRST_MS, delayMs); !signal.aborted; wait = delayMs) {
      await sleep(wait, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      this.#look = await this.#source.look();
      this.#draw();
    }
  }

  #press(key: string): void {
    if (key === 'q' || key === CTRL_C) this.#end.abort();
    this.#sort = KEYS[key] ?? this.#sort;
    this.#draw();
  }

  #draw(): void {
    if (this.#look === null || this.#end.signal.aborted) return;
    const { columns, rows } = this.#screen.size;
    // The cursor stands on a row of its own beneath the picture.
    const room = Math.max(1, rows - 2);
    const limit = Math.min(this.#options.limit ?? Number.POSITIVE_INFINITY, room);
    const lines = this.#look.lines(this.#out, this.#sort, limit).slice(0, room);
    const foot = this.#out.style('dim', `q ends   sort by: ${HELP}`);
    this.#screen.draw([...lines, foot].map(line => truncateStyled(line, columns)));
  }
}
