import { type Fault, textOf } from '../../errors/coax-error.ts';
import { jsonFault, pointer } from '../../message/json-fault.ts';
import { isParameterName } from '../../message/limits.ts';
import type { Json, Parameters } from '../../message/message.ts';

const EXCERPT_CHARACTERS = 60;
const BEFORE_CHARACTERS = 60;

/** The one JSON object an executable wrote (`{}` if it wrote nothing), or what is wrong with it and where. */
export function readOutput(stdout: Uint8Array): { object: Parameters } | { fault: string } {
  const bytes = Buffer.from(stdout.buffer, stdout.byteOffset, stdout.byteLength);
  const text = bytes.toString('utf8').replace(/^\ufeff/, '');
  const foreign = text.indexOf('\ufffd');
  if (foreign >= 0 && !isUtf8(stdout)) {
    return { fault: `standard output is not UTF-8 at byte ${Buffer.byteLength(text.slice(0, foreign))}` };
  }
  if (text.trim() === '') return { object: {} };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { fault: explainSyntax(text, textOf(error)) };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return {
      fault: `standard output is ${nameOf(value)} where one JSON object is wanted: ${excerpt(text.trim())}`,
    };
  }
  const unfit = jsonFault(value) ?? nameFault(value);
  if (unfit !== null)
    return { fault: `standard output cannot be kept as parameters: ${unfit.where} ${unfit.reason}` };
  return { object: value as Parameters };
}

/** What a failed executable says of its failure: `{"error": {code, reason, detail, retryAfterMs}}`, all optional. */
export interface SaidError {
  readonly code?: string;
  readonly reason?: string;
  readonly detail?: Json;
  readonly retryAfterMs?: number;
}

export function readError(stdout: Uint8Array): SaidError {
  const read = readOutput(stdout);
  const error = 'object' in read ? read.object.error : undefined;
  if (typeof error !== 'object' || error === null || Array.isArray(error)) return {};
  const { code, reason, detail, retryAfterMs } = error as { readonly [name: string]: Json };
  return {
    ...(typeof code === 'string' && /^[A-Za-z0-9_.-]{1,64}$/.test(code) ? { code } : {}),
    ...(typeof reason === 'string' && reason !== '' ? { reason } : {}),
    ...(detail === undefined ? {} : { detail }),
    ...(typeof retryAfterMs === 'number' && retryAfterMs >= 0
      ? { retryAfterMs: Math.ceil(retryAfterMs) }
      : {}),
  };
}

function nameFault(object: object): Fault | null {
  const name = Object.keys(object).find(name => !isParameterName(name));
  return name === undefined
    ? null
    : {
        where: pointer([name]),
        reason: 'cannot be the name of a parameter: a letter or _ first, then also digits, . and -',
      };
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** V8's words without what it quotes: it cuts that anywhere, and a piece of a secret is not known again. */
function explainSyntax(text: string, said: string): string {
  const reason = said.replace(/, (?:\.{3})?".*is not valid JSON$/s, '');
  const found = /at position (\d+)/.exec(reason);
  if (!found) return `standard output is not JSON: ${reason}: ${excerpt(text.trim())}`;
  const position = Number(found[1]);
  const place = `line ${text.slice(0, position).split('\n').length}, near ${excerpt(text, position)}`;
  return reason.startsWith('Unexpected non-whitespace character after JSON')
    ? `standard output has more than one JSON object; the first ends before ${place}`
    : `standard output is not JSON: ${reason}; ${place}`;
}

/** What stands there and, so that a secret that lies across the place is whole, some of what stands before. */
function excerpt(text: string, position = 0): string {
  const from = position <= BEFORE_CHARACTERS ? 0 : position - BEFORE_CHARACTERS;
  const to = position + EXCERPT_CHARACTERS;
  return JSON.stringify(`${from > 0 ? '…' : ''}${text.slice(from, to)}${to < text.length ? '…' : ''}`);
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}
