import type { Fault } from '../errors/coax-error.ts';
import type { Json, Parameters } from '../message/message.ts';
import { hasSecret } from '../message/secret/secret-places.ts';
import { parametersInvalid } from './check-parameters.ts';
import type { FlowDefinition, ParameterSchema, TypeName } from './flow.ts';

/** What a text cannot be read as. */
const UNFIT = Symbol('unfit');
type Read = Json | typeof UNFIT;

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * Parameters from the `k=text` pairs of a shell, each read as its schema's type: `cpu=2` is a number, `names=a,b` a
 * list, `labels={"a":1}` JSON. Names that the flow does not know stay text: `checkParameters` refuses them.
 *
 * Errors: COAX_PARAMETERS_INVALID for texts that are not of their type.
 */
export function coerceParameters(flow: FlowDefinition, texts: Readonly<Record<string, string>>): Parameters {
  const parameters: Record<string, Json> = {};
  const faults: Fault[] = [];
  for (const [name, text] of Object.entries(texts)) {
    const schema = Object.hasOwn(flow.parameters, name) ? flow.parameters[name]! : null;
    const value = schema === null ? text : coerce(schema, text);
    if (value === UNFIT)
      faults.push({
        where: `/${name}`,
        reason: `must be ${wordsOf(schema!)}${hasSecret(schema) ? '' : `, not "${text}"`}`,
      });
    else
      Object.defineProperty(parameters, name, {
        value,
        enumerable: true,
        writable: true,
        configurable: true,
      });
  }
  if (faults.length > 0) throw parametersInvalid(flow, faults);
  return parameters;
}

function coerce(schema: ParameterSchema, text: string): Read {
  const choices = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
  // A text that is no choice stays as it is: the check names the choices.
  if (choices !== undefined)
    return (
      choices.find(choice => String(choice) === text) ??
      (choices.includes(null) && text === 'null' ? null : text)
    );
  const types = (Array.isArray(schema.type) ? schema.type : [schema.type]) as readonly TypeName[];
  for (const type of ORDER) {
    if (!types.includes(type)) continue;
    const value = read(type, schema, text);
    if (value !== UNFIT) return value;
  }
  return UNFIT;
}

/** Text fits nearly everything, so it comes last. */
const ORDER: readonly TypeName[] = ['null', 'boolean', 'integer', 'number', 'array', 'object', 'string'];

function read(type: TypeName, schema: ParameterSchema, text: string): Read {
  switch (type) {
    case 'string':
      return text;
    case 'null':
      return text === 'null' ? null : UNFIT;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : UNFIT;
    case 'integer':
      return NUMBER.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : UNFIT;
    case 'number':
      return NUMBER.test(text) && Number.isFinite(Number(text)) ? Number(text) : UNFIT;
    case 'array':
      return text.trimStart().startsWith('[') ? json(text) : items(schema.items ?? { type: 'string' }, text);
    case 'object':
      return text.trimStart().startsWith('{') ? json(text) : UNFIT;
  }
}

function items(schema: ParameterSchema, text: string): Read {
  if (text === '') return [];
  const values = text.split(',').map(item => coerce(schema, item.trim()));
  return values.includes(UNFIT) ? UNFIT : (values as Json[]);
}

function json(text: string): Read {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return UNFIT;
  }
}

const WORDS: Readonly<Record<TypeName, string>> = {
  string: 'text',
  integer: 'a whole number (below 2^53)',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list (a,b or JSON)',
  object: 'a JSON object',
  null: 'null',
};

function wordsOf(schema: ParameterSchema): string {
  const types = (Array.isArray(schema.type) ? schema.type : [schema.type]) as readonly TypeName[];
  return types.map(type => WORDS[type]).join(' or ');
}
