import type { Json } from '../message/message.ts';

/** What stands where a secret stood. */
export const CROSSED_OUT = '[secret]';
/** Shorter texts stand everywhere by chance: crossing them out would tell more than it hides. UTF-16 code units. */
const SHORTEST = 4;
/** A piece of a secret at the edge of a text, which may be a cut, is crossed out from this length on. */
const SHORTEST_PIECE = 6;
/** Where something was left out: by us, and by V8 where it quotes the JSON that it cannot read. */
const CUT = /(…|"?\.\.\."?)/;
/** Longer secrets are looked for in the usual forms alone; each of their lines in all. */
const PATTERN_MAX = 2000;

/**
 * Finds secrets in texts: as they are, and as JSON, URLs, HTML, Base64 (whatever stands before them there) and hexadecimal
 * write them. Of secrets of several lines each line counts, since logs come in lines.
 */
export class Scrubber {
  readonly #forms: readonly string[];
  readonly #patterns: readonly RegExp[];

  constructor(secrets: readonly Json[]) {
    const texts = [...new Set(secrets.flatMap(textsIn))];
    // The longest first: a form may be part of another.
    this.#forms = [...new Set(texts.flatMap(formsOf))].sort((a, b) => b.length - a.length);
    this.#patterns = texts.flatMap(text => (text.length <= PATTERN_MAX ? [patternOf(text)] : []));
  }

  /** Does any secret stand in it? */
  finds(text: string): boolean {
    return (
      this.#forms.some(form => text.includes(form)) ||
      this.#patterns.some(pattern => text.search(pattern) >= 0)
    );
  }

  /** The text with every secret crossed out, and what a cut left of one at its edges. */
  text(given: string): string {
    if (this.#forms.length === 0) return given;
    let text = given;
    for (const form of this.#forms) if (text.includes(form)) text = text.replaceAll(form, CROSSED_OUT);
    for (const pattern of this.#patterns) text = text.replace(pattern, CROSSED_OUT);
    const pieces = text.split(CUT);
    return pieces.map((piece, at) => (at % 2 === 1 ? piece : this.#piece(piece, at, pieces.length))).join('');
  }

  /** Every text in a value, names included. */
  value(value: Json): Json {
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'number') return this.finds(String(value)) ? CROSSED_OUT : value;
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(inner => this.value(inner));
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [this.text(name), this.value(inner as Json)]),
    );
  }

  /** What stands between two cuts may be the middle of a secret; where it is known that something was cut, less is enough. */
  #piece(piece: string, at: number, of: number): string {
    const [cutBefore, cutAfter] = [at > 0, at < of - 1];
    const inside = cutBefore && cutAfter && piece.length >= SHORTEST_PIECE;
    if (inside && this.#forms.some(form => form.includes(piece))) return CROSSED_OUT;
    const first = cutBefore ? SHORTEST : SHORTEST_PIECE;
    const last = cutAfter ? SHORTEST : SHORTEST_PIECE;
    let text = piece;
    for (const form of this.#forms) {
      for (let n = Math.min(form.length - 1, text.length); n >= SHORTEST; n--) {
        if (n >= first && text.startsWith(form.slice(-n))) text = CROSSED_OUT + text.slice(n);
        if (n >= last && text.endsWith(form.slice(0, n))) text = text.slice(0, -n) + CROSSED_OUT;
      }
    }
    return text;
  }
}

/** The texts of a value that are worth looking for. */
function textsIn(value: Json): string[] {
  if (typeof value === 'string' || typeof value === 'number') {
    const text = String(value);
    const lines = text.split(/\r?\n/).filter(line => line !== text && line.trim().length >= 8);
    return [text, ...lines].filter(part => part.length >= SHORTEST);
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}

function formsOf(text: string): string[] {
  const bytes = Buffer.from(text);
  const hex = bytes.toString('hex');
  return [
    text,
    JSON.stringify(text).slice(1, -1),
    encodeURIComponent(text.toWellFormed()),
    hex,
    hex.toUpperCase(),
    bytes.toString('base64'),
    ...[0, 1, 2].flatMap(before => base64At(bytes, before)),
  ].filter(form => form.length >= SHORTEST);
}

/** Programs differ in which characters they escape, and how often: each may or may not be. */
function patternOf(text: string): RegExp {
  const runs = text.toWellFormed().match(/\\+|[^\\]/gu) ?? [];
  return new RegExp(runs.map(anyEscape).join(''), 'gu');
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\n': 'n',
  '\r': 'r',
  '\t': 't',
  '\b': 'b',
  '\f': 'f',
};
const ENTITIES: Readonly<Record<string, string>> = {
  '&': 'amp',
  '<': 'lt',
  '>': 'gt',
  '"': 'quot',
  "'": 'apos',
};

/** One character, or a run of backslashes, in every way in which it may be written. */
function anyEscape(run: string): string {
  const bytes = [...Buffer.from(run)].map(byte => `%${anyCase(byte.toString(16).padStart(2, '0'))}`).join('');
  if (run.startsWith('\\')) return `(?:\\\\{${run.length},${run.length * 8}}|${bytes})`;
  if (/[a-z0-9]/i.test(run)) return run;
  const ways = [RegExp.escape(run), bytes];
  ways.push(
    [...run.split('')]
      .map(unit => `\\\\{1,8}u${anyCase(unit.charCodeAt(0).toString(16).padStart(4, '0'))}`)
      .join(''),
  );
  if (run === ' ') ways.push('\\+');
  if (run === '"' || run === '/' || run === "'") ways.push(`\\\\{1,8}${run}`);
  if (SHORT_ESCAPES[run] !== undefined) ways.push(`\\\\{1,8}${SHORT_ESCAPES[run]}`);
  if (ENTITIES[run] !== undefined) ways.push(`&${ENTITIES[run]};`);
  ways.push(`&#(?:${run.codePointAt(0)}|[xX]0*${anyCase((run.codePointAt(0) ?? 0).toString(16))});`);
  return `(?:${ways.join('|')})`;
}

const anyCase = (hex: string): string => hex.replace(/[a-f]/g, digit => `[${digit}${digit.toUpperCase()}]`);

/** The characters that stand for these bytes alone when so many other bytes come before them; in both alphabets. */
function base64At(bytes: Buffer, before: number): string[] {
  const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
  const from = Math.ceil((before * 8) / 6);
  const to = Math.floor(((before + bytes.length) * 8) / 6);
  const own = encoded.slice(from, to);
  // The last characters of a short one would be found in any text.
  return own.length < SHORTEST_PIECE ? [] : [own, own.replaceAll('+', '-').replaceAll('/', '_')];
}
