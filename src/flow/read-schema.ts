import type { Json } from '../message/message.ts';
import { hasSecret } from '../message/secret/secret-places.ts';
import { checkerOf, FORMATS, faultOf } from './check-value.ts';
import type { ParameterSchema, TypeName } from './flow.ts';
import { escapeKey, type FlowFaults } from './flow-faults.ts';
import { isObject } from './is-object.ts';

const TYPES: readonly TypeName[] = ['string', 'integer', 'number', 'boolean', 'array', 'object', 'null'];
/** Keywords by the type that they belong to. */
const NUMERIC = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'];
const TEXTUAL = ['minLength', 'maxLength', 'pattern', 'format'];
const LISTS = ['items', 'minItems', 'maxItems'];
const OBJECTS = ['properties', 'required'];
const ANYWHERE = ['type', 'enum', 'const', 'default', 'description', 'secret'];
const KEYWORDS = [...ANYWHERE, ...NUMERIC, ...TEXTUAL, ...LISTS, ...OBJECTS];
const EXAMPLE = 'mem: {type: integer, minimum: 64, default: 512, description: MiB}';
const PATTERN_LENGTH_MAX = 512;

type Raw = Record<string, unknown>;

/** A parameter's schema; every keyword in it means something. `outer`: the parameter itself, which may have a default. */
export function readSchema(raw: unknown, at: string, faults: FlowFaults, outer: boolean): ParameterSchema {
  if (!isObject(raw)) {
    faults.add(
      at,
      typeof raw === 'string' ? `write the type as {type: ${raw}}` : 'a parameter is described by a map',
      EXAMPLE,
    );
    return {};
  }
  const fault = (key: string, reason: string, hint = EXAMPLE): void =>
    faults.add(`${at}/${key}`, reason, hint);
  faults.unknownKeys(at, raw, KEYWORDS, EXAMPLE);
  checkSecret(raw, fault);
  const types = readTypes(raw, fault);
  checkKeywordsFitTypes(raw, types, fault);
  checkNumbers(raw, fault);
  checkText(raw, fault);
  checkChoices(raw, fault);
  const schema = withInner(raw, at, faults, fault);
  if (Object.hasOwn(raw, 'default')) checkDefault(raw, schema, outer, fault, faults);
  return schema;
}

type AddFault = (key: string, reason: string, hint?: string) => void;

function readTypes(raw: Raw, fault: AddFault): readonly unknown[] {
  if (raw.type === undefined) {
    if (raw.enum === undefined && raw.const === undefined)
      fault('type', '`type` is missing', `One of ${TYPES.join(', ')}: ${EXAMPLE}`);
    return [];
  }
  const types = Array.isArray(raw.type) ? raw.type : [raw.type];
  if (types.length === 0) fault('type', 'the list of types is empty');
  for (const type of types) {
    if (!TYPES.includes(type as TypeName))
      fault('type', `${JSON.stringify(type)} is not a type`, `One of ${TYPES.join(', ')}: ${EXAMPLE}`);
  }
  return types;
}

function checkKeywordsFitTypes(raw: Raw, types: readonly unknown[], fault: AddFault): void {
  const belongs: [readonly string[], readonly TypeName[]][] = [
    [NUMERIC, ['integer', 'number']],
    [TEXTUAL, ['string']],
    [LISTS, ['array']],
    [OBJECTS, ['object']],
  ];
  const chosen = raw.enum !== undefined ? 'enum' : raw.const !== undefined ? 'const' : null;
  for (const [keywords, owners] of belongs) {
    for (const key of keywords.filter(key => raw[key] !== undefined)) {
      if (chosen !== null) fault(key, `\`${key}\` adds nothing beside \`${chosen}\``, 'Leave it out.');
      else if (!owners.some(type => types.includes(type)))
        fault(key, `\`${key}\` needs type ${owners.join(' or ')}`);
    }
  }
}

/** A secret that the flow's file tells, or that can be guessed, is none. */
function checkSecret(raw: Raw, fault: AddFault): void {
  if (raw.secret === undefined) return;
  const example = 'password: {type: string, secret: true}';
  if (raw.secret !== true) fault('secret', '`secret` is true or not there', example);
  for (const key of ['default', 'enum', 'const'])
    if (Object.hasOwn(raw, key))
      fault(key, `a secret has no \`${key}\`: the flow's file would tell it`, example);
}

function checkNumbers(raw: Raw, fault: AddFault): void {
  for (const key of NUMERIC) {
    const value = raw[key];
    if (value !== undefined && typeof value !== 'number') fault(key, `\`${key}\` is not a number`);
  }
  if (typeof raw.multipleOf === 'number' && raw.multipleOf <= 0)
    fault('multipleOf', '`multipleOf` is not above 0');
  for (const key of ['minLength', 'maxLength', 'minItems', 'maxItems']) {
    const value = raw[key];
    if (value !== undefined && !(Number.isInteger(value) && (value as number) >= 0))
      fault(key, `\`${key}\` is not a whole number from 0`);
  }
  for (const [low, high] of [
    ['minimum', 'maximum'],
    ['minLength', 'maxLength'],
    ['minItems', 'maxItems'],
  ] as const) {
    if ((raw[low] as number) > (raw[high] as number))
      fault(low, `\`${low}\` is above \`${high}\`: nothing fits`);
  }
}

function checkText(raw: Raw, fault: AddFault): void {
  const { format, pattern, description } = raw;
  if (description !== undefined && typeof description !== 'string')
    fault('description', '`description` is not text');
  if (format !== undefined && (typeof format !== 'string' || !Object.hasOwn(FORMATS, format))) {
    fault(
      'format',
      `${JSON.stringify(format)} is not a format`,
      `One of ${Object.keys(FORMATS).join(', ')}.`,
    );
  }
  if (pattern === undefined) return;
  const example = "pattern: '^[a-z][a-z0-9-]{0,62}$'";
  if (typeof pattern !== 'string') {
    fault('pattern', '`pattern` is not text', example);
    return;
  }
  if (pattern.length > PATTERN_LENGTH_MAX) {
    fault('pattern', `the pattern is longer than ${PATTERN_LENGTH_MAX}`, example);
    return;
  }
  try {
    new RegExp(pattern, 'u');
  } catch (error) {
    fault('pattern', (error as Error).message, example);
    return;
  }
  if (NESTED_REPEAT.test(pattern))
    fault(
      'pattern',
      'a repeated group that repeats inside, as in (a+)+, can take for ever to match',
      example,
    );
}

/**
 * A group that holds a repeat and is repeated itself: the common cause of exponential matching. Flow authors are
 * trusted, so this guards against an accident, not against malice; texts beyond 4096 characters never reach a pattern.
 */
const NESTED_REPEAT = /\((?:[^()\\]|\\.)*(?:[*+]|\{\d+,\d*\})(?:[^()\\]|\\.)*\)(?:[*+]|\{\d+,\d*\})/;

function checkChoices(raw: Raw, fault: AddFault): void {
  const choices = raw.enum === undefined ? [] : raw.enum;
  if (!Array.isArray(choices) || (raw.enum !== undefined && choices.length === 0)) {
    fault('enum', '`enum` is not a list of values', 'size: {enum: [small, large]}');
    return;
  }
  if (raw.enum !== undefined && raw.const !== undefined)
    fault('const', '`const` adds nothing beside `enum`', 'Leave one of the two out.');
  const all = Object.hasOwn(raw, 'const') ? [...choices, raw.const] : choices;
  if (all.some(value => typeof value === 'object' && value !== null))
    fault(
      raw.enum === undefined ? 'const' : 'enum',
      'only text, numbers, true, false and null can be chosen from',
    );
}

function withInner(raw: Raw, at: string, faults: FlowFaults, fault: AddFault): ParameterSchema {
  const schema: Raw = { ...raw };
  if (raw.items !== undefined) schema.items = readSchema(raw.items, `${at}/items`, faults, false);
  const properties: Record<string, ParameterSchema> = {};
  if (raw.properties !== undefined) {
    if (!isObject(raw.properties)) fault('properties', '`properties` is not a map');
    else {
      for (const [name, inner] of Object.entries(raw.properties)) {
        properties[name] = readSchema(inner, `${at}/properties/${escapeKey(name)}`, faults, false);
      }
    }
    schema.properties = properties;
  }
  const { required = [] } = raw;
  if (!Array.isArray(required)) fault('required', '`required` is not a list of names');
  else {
    for (const name of required) {
      if (typeof name !== 'string' || !Object.hasOwn(properties, name))
        fault('required', `${JSON.stringify(name)} is not among \`properties\``);
    }
  }
  return schema as ParameterSchema;
}

function checkDefault(
  raw: Raw,
  schema: ParameterSchema,
  outer: boolean,
  fault: AddFault,
  faults: FlowFaults,
): void {
  if (!outer) {
    fault('default', 'only a parameter itself can have a default', 'Give the whole parameter a default.');
    return;
  }
  if (hasSecret(schema)) {
    fault('default', "there is a secret in it: the flow's file would tell it", 'Leave the default out.');
    return;
  }
  if (!faults.none) return;
  const misfit = faultOf(checkerOf(schema), raw.default as Json);
  if (misfit !== null) fault('default', `the default does not fit its own schema: ${misfit.reason}`);
}
