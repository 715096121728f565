import { stripVTControlCharacters } from 'node:util';
import type { Json } from '../../message/message.ts';
import { isSealed, mapSealed } from '../../message/secret/sealed.ts';

const WIDE =
  /[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;
const NARROW = /^[\x20-\x7e]*$/;

/** Columns that a text takes on a terminal; colours take none, East Asian characters two. */
export function widthOf(text: string): number {
  if (NARROW.test(text)) return text.length;
  let width = 0;
  for (const char of stripVTControlCharacters(text))
    width += WIDE.test(char) ? 2 : /\p{Mark}/u.test(char) ? 0 : 1;
  return width;
}

/** Cuts an uncoloured text to so many columns; an ellipsis shows that something was cut. */
export function truncate(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const char of text) {
    width += widthOf(char);
    if (width > columns - 1) break;
    kept += char;
  }
  return columns > 0 ? `${kept}…` : '';
}

/** Cuts a text that may hold colour sequences to so many columns, keeping the sequences. */
export function truncateStyled(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  let width = 0;
  let cut = false;
  for (const piece of text.split(/(\u001b\[[\d;]*m)/)) {
    if (piece.startsWith('\u001b[')) {
      kept += piece;
      continue;
    }
    for (const char of piece) {
      if (cut) break;
      width += widthOf(char);
      if (width > columns - 1) {
        kept += '…';
        cut = true;
      } else kept += char;
    }
  }
  return kept;
}

/**
 * Text from elsewhere, safe for a terminal: colour sequences go, other control characters become visible. A step's log or a
 * parameter can so never move the cursor or rename the window.
 */
export function plain(text: string): string {
  return stripVTControlCharacters(text).replace(
    /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g,
    char => ({ '\n': '\\n', '\r': '\\r' })[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The same for a text of several lines, which stay lines. */
export function plainLines(text: string): string[] {
  return text.replace(/\n$/, '').split(/\r?\n/).map(plain);
}

/** A parameter's value on one line, as it would be typed after `name=`. */
export function valueText(value: unknown, columns = Number.POSITIVE_INFINITY): string {
  const text =
    typeof value === 'string' && !looksLikeJson(value) ? plain(value) : JSON.stringify(withHidden(value));
  return truncate(isSealed(value) ? HIDDEN : (text ?? 'null'), columns);
}

/** What stands for a secret where people read. */
const HIDDEN = '(secret)';

const withHidden = (value: unknown): Json => mapSealed(value as Json, () => HIDDEN);

/** Would a reader take this string for something else than a string? */
export function looksLikeJson(text: string): boolean {
  if (text === '' || /^\s|\s$/.test(text)) return true;
  if (!/^["[{\-\dtfn]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}
