import { z } from 'zod';
import { CoaxError, type Fault } from '../errors/coax-error.ts';
import { didYouMean } from '../errors/nearest.ts';
import type { Json, Parameters } from '../message/message.ts';
import { validateParameters } from '../message/validate.ts';
import { checkerOf, faultOfIssue } from './check-value.ts';
import type { FlowDefinition, ParameterSchema } from './flow.ts';
import { escapeKey } from './flow-faults.ts';

interface Compiled {
  readonly names: ReadonlySet<string>;
  readonly defaults: Parameters;
  readonly checker: z.ZodType;
}

const COMPILED = new WeakMap<FlowDefinition, Compiled>();

function compiled(flow: FlowDefinition): Compiled {
  let entry = COMPILED.get(flow);
  if (entry === undefined) {
    const shape: Record<string, z.ZodType> = {};
    const defaults: Record<string, Json> = {};
    for (const [name, schema] of Object.entries(flow.parameters)) {
      shape[name] = checkerOf(schema);
      if (schema.default !== undefined) defaults[name] = schema.default;
    }
    entry = { names: new Set(Object.keys(shape)), defaults, checker: z.object(shape) };
    COMPILED.set(flow, entry);
  }
  return entry;
}

/**
 * A message's parameters from what was submitted: checked by the flow's schema, defaults filled in, values as they
 * came. The flow's schema is compiled at its first use; 100,000 submits take well under a second.
 *
 * Errors: COAX_PARAMETERS_INVALID with all faults, each at its JSON pointer; what no message may hold at all is
 * COAX_MESSAGE_INVALID or COAX_MESSAGE_TOO_LARGE.
 */
export function checkParameters(flow: FlowDefinition, given: unknown): Parameters {
  const { names, defaults, checker } = compiled(flow);
  const parameters: Parameters = { ...defaults, ...validateParameters(given) };
  const faults: Fault[] = [];
  for (const name in parameters) {
    if (!names.has(name))
      faults.push({
        where: `/${escapeKey(name)}`,
        reason: `${flow.name} has no parameter "${name}"${didYouMean(name, [...names])}`,
      });
  }
  const parsed = checker.safeParse(parameters);
  if (!parsed.success) for (const issue of parsed.error.issues) faults.push(faultOfIssue(issue, parameters));
  if (faults.length > 0) throw parametersInvalid(flow, faults);
  return parameters;
}

export function parametersInvalid(flow: FlowDefinition, faults: readonly Fault[]): CoaxError {
  const [first] = faults;
  const reason = faults
    .map(({ where, reason }) => (reason.startsWith(flow.name) ? reason : `${where.slice(1)} ${reason}`))
    .join('; ');
  return new CoaxError('COAX_PARAMETERS_INVALID', reason, {
    where: first!.where,
    hint: `For example: ${exampleOf(flow)}`,
    faults,
  });
}

/** Parameters that fit, as a command line; `…` for a text whose pattern is beyond guessing. */
export function exampleOf(flow: FlowDefinition): string {
  const pairs = Object.entries(flow.parameters)
    .filter(([, schema]) => schema.default === undefined)
    .map(([name, schema]) =>
      // Not on the command line, which every user of the machine can read.
      schema.secret === true ? `${name}=@FILE` : `${name}=${wordOf(exampleValue(schema))}`,
    );
  return ['coax run', flow.name, ...pairs].join(' ');
}

const wordOf = (value: Json): string =>
  typeof value === 'string' ? value : `'${JSON.stringify(value)}'`.replace(/^'([\w.-]+)'$/, '$1');

const EXAMPLES: Readonly<Record<string, Json>> = {
  ipv4: '10.0.0.1',
  ipv6: 'fd00::1',
  cidr: '10.0.0.0/24',
  mac: '52:54:00:12:34:56',
  hostname: 'web-1.example',
  uuid: '6f1f0a8e-3c53-4d1c-9a35-0b5f4b9f5e11',
  email: 'ann@example.org',
  uri: 'https://example.org/',
  date: '2026-01-31',
  'date-time': '2026-01-31T12:00:00Z',
};

function exampleValue(schema: ParameterSchema): Json {
  if (schema.default !== undefined) return schema.default;
  if (schema.enum !== undefined) return schema.enum[0]!;
  if (schema.const !== undefined) return schema.const;
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'integer':
    case 'number':
      return (
        schema.minimum ??
        (schema.exclusiveMinimum === undefined
          ? Math.min(1, schema.maximum ?? 1)
          : schema.exclusiveMinimum + 1)
      );
    case 'boolean':
      return true;
    case 'array':
      return Array.from({ length: schema.minItems ?? 1 }, () =>
        exampleValue(schema.items ?? { type: 'string' }),
      );
    case 'object':
      return Object.fromEntries(
        (schema.required ?? []).map(name => [name, exampleValue(schema.properties?.[name] ?? {})]),
      );
    case 'null':
      return null;
    default:
      return exampleText(schema);
  }
}

/** Texts that fit most patterns that people write. */
const GUESSES = ['a', 'web', 'web-1', '/tmp/a', '1', 'A', 'a1b2', '10.0.0.1', 'a@example.org'];

function exampleText(schema: ParameterSchema): string {
  const guesses = [EXAMPLES[schema.format ?? ''] ?? 'a'.padEnd(schema.minLength ?? 1, 'a'), ...GUESSES];
  const checker = checkerOf({ ...schema, type: 'string' });
  return (guesses.find(guess => checker.safeParse(guess).success) as string | undefined) ?? '…';
}
