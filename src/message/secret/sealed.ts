import { JSON_DEPTH_MAX } from '../limits.ts';
import type { Json, Parameters } from '../message.ts';

/**
 * A secret as it stands wherever a parameter stands: ciphertext, the nonce it was made with, and the id of the key that opens
 * it. Views leave `data` out; the nonce shows whether two are the same. Nothing else may have a member `$secret`.
 */
export interface Sealed {
  readonly [SECRET]: { readonly key: string; readonly iv?: string; readonly data?: string };
}

const SECRET = '$secret';

export function isSealed(value: unknown): value is Sealed {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.hasOwn(value, SECRET);
}

/** Is it a secret, or is there one in it? What is deeper than any JSON that is kept is not looked at. */
export function holdsSealed(value: Json | undefined, depth = 1): boolean {
  if (typeof value !== 'object' || value === null || depth > JSON_DEPTH_MAX) return false;
  if (isSealed(value)) return true;
  for (const inner of Array.isArray(value) ? value : Object.values(value))
    if (holdsSealed(inner, depth + 1)) return true;
  return false;
}

/** Names of the parameters that are secrets or hold some. None costs no more than a look at each value. */
export function sealedNames(parameters: Parameters): readonly string[] {
  let names: string[] | null = null;
  for (const name in parameters) {
    const value = parameters[name];
    if (typeof value !== 'object' || value === null || !holdsSealed(value)) continue;
    names ??= [];
    names.push(name);
  }
  return names ?? NONE;
}

const NONE: readonly string[] = [];

/** The parameters that are no secrets and hold none; the same object when that is all of them. */
export function withoutSealed(parameters: Parameters): Parameters {
  const names = sealedNames(parameters);
  if (names.length === 0) return parameters;
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => !names.includes(name)));
}

/** The same value with each secret in it replaced; the same object when there is none. */
export function mapSealed(value: Json, replace: (sealed: Sealed) => Json): Json {
  if (typeof value !== 'object' || value === null || !holdsSealed(value)) return value;
  if (isSealed(value)) return replace(value);
  if (Array.isArray(value)) return value.map(inner => mapSealed(inner, replace));
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, mapSealed(inner, replace)]));
}

/** Every secret in a value, from left to right. */
export function sealedIn(value: Json): readonly Sealed[] {
  const found: Sealed[] = [];
  mapSealed(value, sealed => {
    found.push(sealed);
    return null;
  });
  return found;
}

/** A secret as views show it: which one it is and which key opens it, not what it says. */
export const shownSealed = ({ [SECRET]: { key, iv } }: Sealed): Json => ({
  [SECRET]: { key, ...(iv !== undefined && { iv }) },
});

/** JSON text of a view, with no ciphertext in it. */
export function viewText(view: unknown): string {
  const text = JSON.stringify(view);
  // A text in JSON cannot hold these characters without a backslash before the second quote.
  return text?.includes(`"${SECRET}"`)
    ? JSON.stringify(mapSealed(JSON.parse(text) as Json, shownSealed))
    : text;
}

/** What a sealed value says of itself; keys sort as canonical JSON wants them. */
export const sealed = (key: string, iv: string, data: string): Sealed => ({ [SECRET]: { data, iv, key } });
