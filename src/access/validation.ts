import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import { CoaxError, type Fault } from '../errors/coax-error.ts';
import { pointer } from '../message/json-fault.ts';

const FAULTS_MAX = 50;

/** Checks requests by their Zod schemas; what they refuse is COAX_MESSAGE_INVALID with every fault's place. */
export const checkBySchema: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  return (data: unknown) => {
    const parsed = schema.safeParse(data);
    return parsed.success ? { value: parsed.data } : { error: requestInvalid(parsed.error, httpPart) };
  };
};

export function requestInvalid(error: z.ZodError, part = 'body'): CoaxError {
  const faults = error.issues.flatMap(issue => faultsOf(issue, [])).slice(0, FAULTS_MAX);
  const [first] = faults;
  const inPart = part === 'body' ? '' : ` (in the ${part === 'params' ? 'path' : 'query'})`;
  return new CoaxError('COAX_MESSAGE_INVALID', `${first?.reason ?? 'wrong form'}${inPart}`, {
    where: first?.where ?? '',
    faults,
  });
}

/** Of a union's forms, the one that fits best is what was meant. */
function faultsOf(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): Fault[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const meant = issue.errors.reduce((best, form) => (distance(form) < distance(best) ? form : best));
    return meant.flatMap(inner => faultsOf(inner, path));
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => ({
      where: pointer([...path, key]),
      reason: `there is no member "${shown(key)}"`,
    }));
  }
  return [{ where: pointer(path), reason: reasonOf(issue, path) }];
}

/** A wrong type at the top means another form was meant; else each fault is one step away. */
function distance(form: readonly z.core.$ZodIssue[]): number {
  let sum = 0;
  for (const issue of form) {
    if (issue.code === 'invalid_type' && issue.path.length === 0) return Number.POSITIVE_INFINITY;
    if (issue.code === 'unrecognized_keys') sum += issue.keys.length;
    else if (issue.code === 'invalid_union') sum += Math.min(...issue.errors.map(distance), 1000);
    else sum += 1;
  }
  return sum;
}

function reasonOf(issue: z.core.$ZodIssue, path: readonly PropertyKey[]): string {
  const name = path.length === 0 ? 'the body' : shown(String(path.at(-1)));
  if (issue.code !== 'invalid_type') return `${name}: ${issue.message.replace(/^Invalid input: /, '')}`;
  if (/received undefined$/.test(issue.message)) return `${name} is missing`;
  return `${name} must be ${TYPES[issue.expected] ?? issue.expected}`;
}

const TYPES: Readonly<Record<string, string>> = {
  record: 'a JSON object',
  object: 'a JSON object',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

const shown = (text: string): string => (text.length > 64 ? `${text.slice(0, 64)}…` : text).toWellFormed();
