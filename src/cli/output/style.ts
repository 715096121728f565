import type { Writable } from 'node:stream';
import { styleText } from 'node:util';

export type ColorChoice = 'auto' | 'always' | 'never';
type Format = Parameters<typeof styleText>[0];
/** Colours a text, or leaves it, as the stream and the user want. */
export type Style = (format: Format, text: string) => string;

/**
 * Colours for one stream. `auto` leaves it to Node: NO_COLOR (https://no-color.org), FORCE_COLOR, and whether the stream is a
 * terminal.
 */
export function makeStyle(stream: Writable, choice: ColorChoice): Style {
  if (choice === 'never') return (_format, text) => text;
  if (choice === 'always')
    return (format, text) => (text === '' ? '' : styleText(format, text, { validateStream: false }));
  return (format, text) =>
    text === '' ? '' : styleText(format, text, { stream: stream as NodeJS.WriteStream });
}

export const noStyle: Style = (_format, text) => text;

/** The colour of each status; the same everywhere. */
const STATUS_FORMATS: Readonly<Record<string, Format>> = {
  queued: 'gray',
  running: 'cyan',
  waiting: 'yellow',
  done: 'green',
  rolled_back: 'magenta',
  parked: ['red', 'bold'],
  up: 'green',
  draining: 'yellow',
  down: 'red',
  lost: ['red', 'bold'],
  off: 'gray',
  on: 'green',
  ok: 'green',
  warning: 'yellow',
  failed: 'red',
  error: 'red',
};

export function styleStatus(style: Style, status: string): string {
  const format = STATUS_FORMATS[status];
  return format ? style(format, status) : status;
}
