import { CoaxError } from '../errors/coax-error.ts';

/**
 * Canonical JSON (RFC 8785): keys sorted by UTF-16 code unit, no white space, numbers as ECMAScript writes them. The
 * same value always gives the same text, so a hash of it names the value.
 *
 * Refuses what has no canonical form: NaN, infinities, lone surrogates, undefined, functions (COAX_MESSAGE_INVALID).
 * Members that are undefined are left out, as in JSON.stringify.
 */
export function canonical(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return canonicalString(value);
    case 'number':
      if (!Number.isFinite(value))
        throw new CoaxError('COAX_MESSAGE_INVALID', `${value} is not a JSON number`);
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return canonicalArray(value);
      return canonicalObject(value as Record<string, unknown>);
    default:
      throw new CoaxError('COAX_MESSAGE_INVALID', `a ${typeof value} has no JSON form`);
  }
}

function canonicalArray(value: readonly unknown[]): string {
  let text = '[';
  for (let i = 0; i < value.length; i++) text += i === 0 ? canonical(value[i]) : `,${canonical(value[i])}`;
  return `${text}]`;
}

function canonicalObject(value: Record<string, unknown>): string {
  const keys = Object.keys(value);
  if (keys.length > 1) keys.sort();
  let text = '{';
  for (const key of keys) {
    const member = value[key];
    if (member === undefined) continue;
    if (text.length > 1) text += ',';
    text += `${canonicalString(key)}:${canonical(member)}`;
  }
  return `${text}}`;
}

/** Looking at each character of a longer text costs more than it saves. */
const PLAIN_MAX = 64;

export function canonicalString(text: string): string {
  if (isPlain(text)) return `"${text}"`;
  if (!text.isWellFormed()) {
    throw new CoaxError('COAX_MESSAGE_INVALID', 'text with a lone surrogate is not valid Unicode');
  }
  return JSON.stringify(text);
}

/** Printable ASCII, of which JSON escapes nothing: to see that takes a third of the time of JSON.stringify. */
function isPlain(text: string): boolean {
  if (text.length > PLAIN_MAX) return false;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c) return false;
  }
  return true;
}

/** Are these the same JSON value? */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  return typeof a === 'object' && typeof b === 'object' && canonical(a) === canonical(b);
}
