import type { Output } from '../output/output.ts';
import type { Style } from '../output/style.ts';
import { clock } from '../output/time.ts';
import { Screen } from './screen.ts';

export interface Counts {
  submitted: number;
  done: number;
  rolledBack: number;
  parked: number;
}

const FRAME_MS = 100;
const LINE_MS = 5000;

/** One line that says how far many messages are: a bar on a terminal, a dated line every 5 s elsewhere. */
export class Progress {
  readonly counts: Counts = { submitted: 0, done: 0, rolledBack: 0, parked: 0 };
  private readonly out: Output;
  private readonly started = Date.now();
  private readonly screen: Screen | null;
  private readonly timer: NodeJS.Timeout | null;

  constructor(out: Output) {
    this.out = out;
    const terminal = out.stderr as NodeJS.WriteStream;
    this.screen = terminal.isTTY && !out.quiet ? new Screen(terminal) : null;
    this.timer = out.quiet ? null : setInterval(() => this.show(), this.screen ? FRAME_MS : LINE_MS).unref();
  }

  add(name: keyof Counts, count: number): void {
    this.counts[name] += count;
  }

  private show(): void {
    const elapsed = Date.now() - this.started;
    if (this.screen)
      this.screen.draw([progressLine(this.counts, elapsed, this.screen.size.columns, this.out.errorStyle)]);
    else
      this.out.hint(
        `${new Date().toISOString()}  ${progressLine(this.counts, elapsed, 0, this.out.errorStyle)}`,
      );
  }

  close(): void {
    if (this.timer) clearInterval(this.timer);
    if (this.screen) {
      this.show();
      this.screen.close();
    }
  }
}

/** The progress as one line; a bar of what is left of `columns`, none if too little is. */
export function progressLine(counts: Counts, elapsedMs: number, columns: number, style: Style): string {
  const { submitted, done, rolledBack, parked } = counts;
  const ended = done + rolledBack + parked;
  const rate = elapsedMs > 0 ? Math.round(((ended || submitted) * 1000) / elapsedMs) : 0;
  const number = (value: number) => value.toLocaleString('en');
  const parts = [
    `${number(submitted)} submitted`,
    `${number(done)} done`,
    ...(rolledBack > 0 ? [`${number(rolledBack)} rolled back`] : []),
    ...(parked > 0 ? [`${number(parked)} parked`] : []),
    `${number(rate)}/s`,
    clock(elapsedMs),
  ];
  const text = parts.join('  ');
  const width = Math.min(40, columns - text.length - 4);
  if (width < 8) return text;
  const filled = submitted === 0 ? 0 : Math.round((width * ended) / submitted);
  return `${style('green', '━'.repeat(filled))}${style('gray', '─'.repeat(width - filled))}  ${text}`;
}
