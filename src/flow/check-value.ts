import { z } from 'zod';
import type { Fault } from '../errors/coax-error.ts';
import { pointer } from '../message/json-fault.ts';
import type { Json } from '../message/message.ts';
import type { ParameterSchema, TypeName } from './flow.ts';

/** A text longer than this never reaches a pattern: matching time can grow fast with length. UTF-16 code units. */
const PATTERN_TEXT_MAX = 4096;

/** Formats of text: JSON Schema's names, and two that a cloud needs (`cidr`, `mac`). */
export const FORMATS: Readonly<Record<string, () => z.ZodType<string, string>>> = {
  ipv4: () => z.ipv4(),
  ipv6: () => z.ipv6(),
  cidr: () => z.cidrv4(),
  mac: () => z.mac(),
  hostname: () => z.hostname(),
  uuid: () => z.guid(),
  email: () => z.email(),
  uri: () => z.url(),
  date: () => z.iso.date(),
  'date-time': () => z.iso.datetime({ offset: true }),
};

/**
 * The Zod schema that checks a parameter. Made here and not by `z.fromJSONSchema`, which passes over what it does not
 * know (formats, constraints beside `enum`, `required` without `properties`, `minItems` without `items`) and matches
 * patterns without Unicode.
 */
export function checkerOf(schema: ParameterSchema): z.ZodType {
  if (schema.enum !== undefined) return z.literal(schema.enum as (string | number | boolean | null)[]);
  if (schema.const !== undefined) return z.literal(schema.const as string | number | boolean | null);
  const types = (Array.isArray(schema.type) ? schema.type : [schema.type]) as readonly TypeName[];
  const [first, ...others] = types.map(type => ofType(type, schema));
  return others.length === 0 ? first! : z.union([first!, ...others]);
}

function ofType(type: TypeName, schema: ParameterSchema): z.ZodType {
  switch (type) {
    case 'string':
      return text(schema);
    case 'integer':
      return number(z.int(), schema);
    case 'number':
      return number(z.number(), schema);
    case 'boolean':
      return z.boolean();
    case 'null':
      return z.null();
    case 'array':
      return list(schema);
    case 'object':
      return object(schema);
  }
}

function text(schema: ParameterSchema): z.ZodType {
  let checker = z.string();
  // Zod counts code points here, as JSON Schema wants it.
  if (schema.minLength !== undefined) checker = checker.min(schema.minLength);
  if (schema.maxLength !== undefined) checker = checker.max(schema.maxLength);
  if (schema.pattern !== undefined) {
    const pattern = new RegExp(schema.pattern, 'u');
    checker = checker.refine(value => value.length <= PATTERN_TEXT_MAX && pattern.test(value), {
      error: ({ input }) =>
        (input as string).length > PATTERN_TEXT_MAX
          ? `longer than ${PATTERN_TEXT_MAX}`
          : `must match ${schema.pattern}`,
    });
  }
  const format = schema.format === undefined ? undefined : FORMATS[schema.format];
  return format === undefined ? checker : checker.pipe(format());
}

function number(base: z.ZodNumber, schema: ParameterSchema): z.ZodType {
  let checker = base;
  if (schema.minimum !== undefined) checker = checker.min(schema.minimum);
  if (schema.maximum !== undefined) checker = checker.max(schema.maximum);
  if (schema.exclusiveMinimum !== undefined) checker = checker.gt(schema.exclusiveMinimum);
  if (schema.exclusiveMaximum !== undefined) checker = checker.lt(schema.exclusiveMaximum);
  if (schema.multipleOf !== undefined) checker = checker.multipleOf(schema.multipleOf);
  return checker;
}

function list(schema: ParameterSchema): z.ZodType {
  let checker = z.array(schema.items === undefined ? z.unknown() : checkerOf(schema.items));
  if (schema.minItems !== undefined) checker = checker.min(schema.minItems);
  if (schema.maxItems !== undefined) checker = checker.max(schema.maxItems);
  return checker;
}

function object(schema: ParameterSchema): z.ZodType {
  const shape: Record<string, z.ZodType> = {};
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const checker = checkerOf(inner);
    shape[name] = schema.required?.includes(name) ? checker : checker.optional();
  }
  return z.looseObject(shape);
}

/** The first fault of a value, or null. */
export function faultOf(checker: z.ZodType, value: Json): Fault | null {
  const parsed = checker.safeParse(value);
  return parsed.success ? null : faultOfIssue(parsed.error.issues[0]!, value);
}

/** A Zod issue in Coax's words; `root` is the value that was checked. */
export function faultOfIssue(issue: z.core.$ZodIssue, root: Json): Fault {
  const where = pointer(issue.path);
  if (valueAt(root, issue.path) === undefined) return { where, reason: 'is required' };
  // Of a union, the branch that came furthest tells most.
  if (issue.code === 'invalid_union') {
    const [branch] = issue.errors.filter(issues => issues[0]?.code !== 'invalid_type');
    if (branch?.[0] !== undefined) {
      const inner = faultOfIssue(branch[0], valueAt(root, issue.path));
      return { where: where + inner.where, reason: inner.reason };
    }
    const types = issue.errors.map(([first]) => (first?.code === 'invalid_type' ? first.expected : null));
    return {
      where,
      reason: `must be ${[...new Set(types)].map(type => TYPE_WORDS[type ?? ''] ?? type).join(' or ')}`,
    };
  }
  return { where, reason: reasonOf(issue) };
}

function valueAt(root: unknown, path: readonly PropertyKey[]): Json {
  let value = root;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[key];
  return value as Json;
}

const TYPE_WORDS: Readonly<Record<string, string>> = { int: 'whole number', string: 'text', array: 'list' };

function reasonOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${article(TYPE_WORDS[issue.expected] ?? issue.expected)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(value => JSON.stringify(value)).join(', ')}`.replace(
        /^(must be )one of ([^,]+)$/,
        '$1$2',
      );
    case 'too_small':
      return size(issue.origin, issue.inclusive ? 'at least' : 'more than', issue.minimum);
    case 'too_big':
      return size(issue.origin, issue.inclusive ? 'at most' : 'less than', issue.maximum);
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return `must be ${article(FORMAT_WORDS[issue.format] ?? issue.format)}`;
    default:
      return issue.message;
  }
}

const FORMAT_WORDS: Readonly<Record<string, string>> = {
  ipv4: 'IPv4 address, as 10.0.0.1',
  ipv6: 'IPv6 address, as fd00::1',
  cidrv4: 'network, as 10.0.0.0/24',
  mac: 'MAC address, as 52:54:00:12:34:56',
  hostname: 'host name, as web-1.example',
  guid: 'UUID',
  email: 'mail address',
  url: 'URI, as https://example.org/',
  date: 'date, as 2026-01-31',
  datetime: 'date and time, as 2026-01-31T12:00:00Z',
};

const article = (word: string): string =>
  word === 'text' ? word : `${/^(?:[aeio]|I)/.test(word) ? 'an' : 'a'} ${word}`;

function size(origin: string, how: string, limit: number | bigint): string {
  if (origin === 'string') return `must have ${how} ${limit} characters`;
  if (origin === 'array') return `must have ${how} ${limit} items`;
  return `must be ${how} ${limit}`;
}
