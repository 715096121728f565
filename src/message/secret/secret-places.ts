import type { Json } from '../message.ts';

/** What of a JSON Schema says where secrets are. */
interface Schema {
  readonly secret?: unknown;
  readonly properties?: { readonly [name: string]: unknown };
  readonly items?: unknown;
  readonly anyOf?: unknown;
}

/** Paths of the values that a schema calls secret (`secret: true`), as far as the value has them. */
export function secretPlaces(schema: unknown, value: Json | undefined): readonly (readonly string[])[] {
  const found: (readonly string[])[] = [];
  gather(schema, value, [], found);
  return found;
}

function gather(
  schema: unknown,
  value: Json | undefined,
  path: readonly string[],
  found: (readonly string[])[],
): void {
  if (typeof schema !== 'object' || schema === null || value === undefined) return;
  const { secret, properties, items, anyOf } = schema as Schema;
  if (secret === true) {
    found.push(path);
    return;
  }
  for (const branch of Array.isArray(anyOf) ? anyOf : []) gather(branch, value, path, found);
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    if (items !== undefined)
      for (const [index, item] of value.entries()) gather(items, item, [...path, String(index)], found);
    return;
  }
  for (const [name, inner] of Object.entries(properties ?? {})) {
    if (Object.hasOwn(value, name))
      gather(inner, (value as { [name: string]: Json })[name], [...path, name], found);
  }
}

const SECRET = new WeakMap<object, boolean>();

/** Does a schema call anything secret, itself or something in it? Schemas do not change: each is looked through once. */
export function hasSecret(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return false;
  let known = SECRET.get(schema);
  if (known === undefined) {
    const { secret, properties, items, anyOf } = schema as Schema;
    known =
      secret === true ||
      [items, ...Object.values(properties ?? {}), ...(Array.isArray(anyOf) ? anyOf : [])].some(hasSecret);
    SECRET.set(schema, known);
  }
  return known;
}

/** The value with what lies at that path replaced; the same value where there is nothing. */
export function replaceAt(value: Json, path: readonly string[], replace: (value: Json) => Json): Json {
  const [first, ...rest] = path;
  if (first === undefined) return replace(value);
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, first)) return value;
  if (Array.isArray(value)) {
    return value.map((item, index) => (String(index) === first ? replaceAt(item, rest, replace) : item));
  }
  const members = value as { readonly [name: string]: Json };
  return { ...members, [first]: replaceAt(members[first] as Json, rest, replace) };
}
