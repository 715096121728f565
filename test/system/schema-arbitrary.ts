import fc, { type Arbitrary } from 'fast-check';

/** A JSON Schema as it stands in the document of the API. */
export type Schema = { readonly [key: string]: unknown };
export type Schemas = { readonly [name: string]: Schema };

const DEPTH_MAX = 6;

/** Values that fit a schema, of all its forms. */
export function fitting(schema: Schema, schemas: Schemas, depth = 0): Arbitrary<unknown> {
  const inner = (part: unknown) => fitting(part as Schema, schemas, depth + 1);
  if (typeof schema.$ref === 'string') return fitting(refOf(schema, schemas), schemas, depth);
  if ('const' in schema) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum);
  const forms = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined;
  if (forms !== undefined) return fc.oneof(...forms.map(inner));
  switch (schema.type) {
    case 'object':
      return depth > DEPTH_MAX ? fc.constant(least(schema, schemas)) : objects(schema, inner);
    case 'array': {
      const { minItems = 0, maxItems = 5 } = schema as { minItems?: number; maxItems?: number };
      const items = (schema.items ?? {}) as Schema;
      return fc.array(inner(items), {
        minLength: minItems,
        maxLength: Math.max(minItems, Math.min(maxItems, 5)),
      });
    }
    case 'string':
      return texts(schema);
    case 'integer':
      return fc.integer({
        min: Math.max((schema.minimum as number) ?? -1000, Number.MIN_SAFE_INTEGER),
        max: Math.min((schema.maximum as number) ?? 1_000_000, 2 ** 31 - 1),
      });
    case 'number':
      return fc.double({
        min: (schema.minimum as number) ?? -1e6,
        max: (schema.maximum as number) ?? 1e6,
        noNaN: true,
      });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function objects(schema: Schema, inner: (part: unknown) => Arbitrary<unknown>): Arbitrary<unknown> {
  const properties = (schema.properties ?? {}) as Schemas;
  const required = new Set((schema.required ?? []) as string[]);
  const members = Object.fromEntries(Object.entries(properties).map(([name, part]) => [name, inner(part)]));
  const known = fc.record(members, {
    requiredKeys: Object.keys(members).filter(name => required.has(name)),
    noNullPrototype: true,
  });
  const more = schema.additionalProperties;
  if (more === undefined || more === false || Object.keys(properties).length > 0) return known;
  const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,12}$/).filter(text => text !== 'constructor');
  return fc.dictionary(name, inner(more === true ? {} : more), { maxKeys: 5, noNullPrototype: true });
}

function texts(schema: Schema): Arbitrary<string> {
  const {
    pattern,
    format,
    minLength = 0,
    maxLength = 40,
  } = schema as {
    pattern?: string;
    format?: string;
    minLength?: number;
    maxLength?: number;
  };
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  if (format === 'date-time') return fc.date({ noInvalidDate: true }).map(date => date.toISOString());
  return fc.string({ minLength, maxLength: Math.max(minLength, Math.min(maxLength, 40)) });
}

function refOf(schema: Schema, schemas: Schemas): Schema {
  return schemas[String(schema.$ref).split('/').at(-1)!] as Schema;
}

/** The least value that fits; the schema's example where it has one. */
export function least(schema: Schema, schemas: Schemas): unknown {
  if (typeof schema.$ref === 'string') return least(refOf(schema, schemas), schemas);
  if (Array.isArray(schema.examples)) return schema.examples[0];
  if ('default' in schema) return schema.default;
  if ('const' in schema) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  const forms = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined;
  if (forms) return least(forms[0]!, schemas);
  switch (schema.type) {
    case 'object': {
      const properties = (schema.properties ?? {}) as Schemas;
      const required = (schema.required ?? []) as string[];
      return Object.fromEntries(required.map(name => [name, least(properties[name]!, schemas)]));
    }
    case 'array':
      return Array.from({ length: (schema.minItems as number) ?? 0 }, () =>
        least(schema.items as Schema, schemas),
      );
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    case 'boolean':
      return true;
    case 'string':
      if (typeof schema.pattern === 'string')
        return fc.sample(fc.stringMatching(new RegExp(schema.pattern)), { seed: 1, numRuns: 1 })[0];
      return 'name: x\nsteps:\n  - lab note\n'.slice(0, (schema.maxLength as number) ?? 100);
    default:
      return {};
  }
}

export interface Unfit {
  readonly what: string;
  readonly value: unknown;
}

/**
 * Values that do not fit a schema, each in one way: a member that is missing, one of another type, one that is not known, one beyond
 * its bounds. `good` fits.
 */
export function unfitting(schema: Schema, schemas: Schemas, good: unknown): Unfit[] {
  if (typeof schema.$ref === 'string') return unfitting(refOf(schema, schemas), schemas, good);
  // Of several forms, only that none of them is a mere text or number is sure.
  const wrong: Unfit[] =
    schema.type === 'object' || schema.anyOf !== undefined
      ? [
          { what: 'a text', value: 'x' },
          { what: 'null', value: null },
        ]
      : [];
  if (schema.type !== 'object' || !isObject(good)) return wrong;
  const properties = (schema.properties ?? {}) as Schemas;
  for (const name of (schema.required ?? []) as string[]) {
    const { [name]: _, ...rest } = good;
    wrong.push({ what: `without ${name}`, value: rest });
  }
  if (schema.additionalProperties === false)
    wrong.push({ what: 'an unknown member', value: { ...good, surplus: 1 } });
  for (const [name, part] of Object.entries(properties)) {
    for (const value of unfitValues(part, schemas))
      wrong.push({
        what: `${name} = ${JSON.stringify(value)?.slice(0, 40)}`,
        value: { ...good, [name]: value },
      });
  }
  return wrong;
}

function unfitValues(schema: Schema, schemas: Schemas): unknown[] {
  if (typeof schema.$ref === 'string') return unfitValues(refOf(schema, schemas), schemas);
  if (Array.isArray(schema.enum)) return ['none of these', 7];
  const { minimum, maximum, minItems, maxItems, minLength, maxLength } = schema as Record<string, number>;
  switch (schema.type) {
    case 'string':
      return [
        7,
        {},
        ...(minLength !== undefined && minLength > 0 ? [''] : []),
        ...(maxLength !== undefined && maxLength < 100_000 ? ['x'.repeat(maxLength + 1)] : []),
      ];
    case 'integer':
      return [
        'x',
        1.5,
        ...(minimum !== undefined ? [minimum - 1] : []),
        ...(maximum !== undefined && maximum < 2 ** 50 ? [maximum + 1] : []),
      ];
    case 'number':
      return ['x', {}];
    case 'boolean':
      return ['yes', 1];
    case 'array':
      return [
        {},
        'x',
        ...(minItems !== undefined && minItems > 0 ? [[]] : []),
        ...(maxItems !== undefined && maxItems <= 100 ? [Array(maxItems + 1).fill(null)] : []),
      ];
    case 'object':
      return ['x', []];
    default:
      return [];
  }
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
