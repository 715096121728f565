import type { Context } from '../context.ts';
import { Screen } from './screen.ts';

const FRAME_MS = 200;

export interface ProgressLineOptions {
  /** Where it is not drawn over: time between two lines, in milliseconds. */
  readonly lineMs: number;
  /** Where it is not drawn over: begin with the time, since such lines are kept. */
  readonly dated: boolean;
}

/** How far it is: one line that is drawn over on a terminal; elsewhere one every few seconds. */
export function progressLine(
  { out }: Context,
  { lineMs, dated }: ProgressLineOptions,
): { show(text: string): void; close(): void } {
  const terminal = out.stderr as NodeJS.WriteStream;
  const screen = terminal.isTTY && !out.quiet ? new Screen(terminal) : null;
  let last = Date.now();
  return {
    show(text) {
      const now = Date.now();
      if (now - last < (screen ? FRAME_MS : lineMs)) return;
      last = now;
      if (screen) screen.draw([text]);
      else out.hint(dated ? `${new Date(now).toISOString()}  ${text}` : text);
    },
    close: () => screen?.close(),
  };
}
