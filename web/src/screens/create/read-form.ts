import type { Holes, WordName } from '../../words/en.ts';
import { controlOf, firstText, type ParameterSchema } from './schema.ts';

/** What is wrong with what was typed, in words of the dictionary. */
export interface FieldFault {
  readonly word: WordName;
  readonly holes?: Holes;
}

/** What was typed into a form: a text for each parameter. */
export type Texts = Readonly<Record<string, string>>;

export interface FormReading {
  /** What goes to the server: what differs from the defaults, and what has none. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly faults: Readonly<Record<string, FieldFault>>;
}

/**
 * Reads a form. It finds what a person can see at once (something is missing, is no number, is too long); all else is the
 * server's to say, which checks everything again.
 */
export function readForm(
  schemas: Readonly<Record<string, ParameterSchema>>,
  required: readonly string[],
  texts: Texts,
): FormReading {
  const parameters: Record<string, unknown> = {};
  const faults: Record<string, FieldFault> = {};
  for (const [name, schema] of Object.entries(schemas)) {
    const text = texts[name] ?? firstText(schema);
    if (schema.default !== undefined && text === firstText(schema)) continue;
    if (text === '' && required.includes(name)) {
      faults[name] = { word: 'fault.missing' };
      continue;
    }
    if (text === '' && controlOf(schema) !== 'text' && controlOf(schema) !== 'longText') continue;
    const read = readText(schema, text);
    if ('fault' in read) faults[name] = read.fault;
    else parameters[name] = read.value;
  }
  return { parameters, faults };
}

type Read = { readonly value: unknown } | { readonly fault: FieldFault };

function readText(schema: ParameterSchema, text: string): Read {
  switch (controlOf(schema)) {
    case 'choice':
    case 'json':
    case 'flag':
      return readJson(text);
    case 'number':
      return readNumber(schema, text);
    case 'lines':
      return readLines(schema, text);
    default:
      return readString(schema, text);
  }
}

function readJson(text: string): Read {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return { fault: { word: 'fault.json' } };
  }
}

function readNumber(schema: ParameterSchema, text: string): Read {
  const value = Number(text);
  if (!Number.isFinite(value)) return { fault: { word: 'fault.number' } };
  if (schema.type === 'integer' && !Number.isInteger(value)) return { fault: { word: 'fault.whole' } };
  const { minimum, maximum } = schema;
  if (minimum !== undefined && value < minimum)
    return { fault: { word: 'fault.least', holes: { n: minimum } } };
  if (maximum !== undefined && value > maximum)
    return { fault: { word: 'fault.most', holes: { n: maximum } } };
  return { value };
}

function readLines(schema: ParameterSchema, text: string): Read {
  const value = text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '');
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema;
  if (value.length < minItems) return { fault: { word: 'fault.leastItems', holes: { n: minItems } } };
  if (value.length > maxItems) return { fault: { word: 'fault.mostItems', holes: { n: maxItems } } };
  return { value };
}

function readString(schema: ParameterSchema, text: string): Read {
  const length = [...text].length;
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern } = schema;
  if (length < minLength) return { fault: { word: 'fault.short', holes: { n: minLength } } };
  if (length > maxLength) return { fault: { word: 'fault.long', holes: { n: maxLength } } };
  if (pattern !== undefined && text.length <= PATTERN_TEXT_MAX && !matches(pattern, text))
    return { fault: { word: 'fault.pattern', holes: { pattern } } };
  return { value: text };
}

const PATTERN_TEXT_MAX = 4096;

/** A pattern that this browser does not know is the server's to check. */
function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(text);
  } catch {
    return true;
  }
}

/** The server's faults by parameter: `/parameters/cpu`, or deeper. */
export function faultsByName(
  faults: readonly { readonly where: string; readonly reason: string }[],
): Map<string, string> {
  const found = new Map<string, string>();
  for (const { where, reason } of faults) {
    const name = /^\/parameters\/([^/]+)(.*)$/.exec(where);
    if (name === null) continue;
    const key = name[1]!.replaceAll('~1', '/').replaceAll('~0', '~');
    if (!found.has(key)) found.set(key, name[2] === '' ? reason : `${name[2]}: ${reason}`);
  }
  return found;
}
