import type { Fault } from '../errors/coax-error.ts';
import { JSON_DEPTH_MAX } from './limits.ts';

/** One open object or array on the way down; `keys` is null for an array. */
interface Frame {
  readonly value: object;
  readonly keys: readonly string[] | null;
  index: number;
}

/**
 * The first place in a value that cannot be kept as canonical JSON, or null. Walks without recursion, so that no input
 * can exhaust the stack; a cycle ends at the depth limit.
 *
 * Refused: NaN and infinities, whole numbers beyond 2^53 (digits were lost or would be), lone surrogates, `__proto__`
 * keys, functions and the like, objects that are not plain, and nesting beyond `depthMax` (the value itself is level 1).
 */
export function jsonFault(value: unknown, depthMax = JSON_DEPTH_MAX): Fault | null {
  const atRoot = scalarFault(value);
  if (atRoot !== null) return { where: '', reason: atRoot };
  if (typeof value !== 'object' || value === null || isFlatAndSound(value)) return null;
  const frames: Frame[] = [frameOf(value)];
  while (frames.length > 0) {
    const frame = frames[frames.length - 1]!;
    const key = frame.keys === null ? frame.index : frame.keys[frame.index];
    if (key === undefined || (frame.keys === null && frame.index >= (frame.value as unknown[]).length)) {
      frames.pop();
      continue;
    }
    frame.index++;
    const member = (frame.value as Record<string | number, unknown>)[key];
    if (member === undefined && frame.keys !== null) continue; // left out of the JSON
    const reason = (typeof key === 'string' ? keyFault(key) : null) ?? scalarFault(member);
    if (reason !== null) return { where: pointerOf(frames), reason };
    if (typeof member !== 'object' || member === null) continue;
    if (frames.length >= depthMax)
      return { where: pointerOf(frames), reason: `nested deeper than ${depthMax} levels` };
    frames.push(frameOf(member));
  }
  return null;
}

/** Most values are objects of a few scalars, which need no walk. False when there is more to look at. */
function isFlatAndSound(value: object): boolean {
  if (Array.isArray(value)) return false;
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key];
    if (typeof member === 'object' && member !== null) return false;
    if (keyFault(key) !== null || (member !== undefined && scalarFault(member) !== null)) return false;
  }
  return true;
}

const frameOf = (value: object): Frame => ({
  value,
  keys: Array.isArray(value) ? null : Object.keys(value),
  index: 0,
});

function keyFault(key: string): string | null {
  if (key === '__proto__') return 'a member may not be called __proto__';
  return key.isWellFormed() ? null : 'a name with a lone surrogate is not valid Unicode';
}

/** What is wrong with the value itself, its members not looked at. */
function scalarFault(value: unknown): string | null {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? null : 'text with a lone surrogate is not valid Unicode';
    case 'number':
      if (!Number.isFinite(value)) return `${value} is not a JSON number`;
      // From 1e21 on numbers are written with an exponent: nobody takes them for exact.
      if (Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21) {
        return 'a whole number beyond 2^53 loses digits: send it as text';
      }
      return null;
    case 'boolean':
      return null;
    case 'object':
      if (value === null || Array.isArray(value)) return null;
      return isPlain(value) ? null : `${value.constructor?.name ?? 'this object'} has no JSON form`;
    default:
      return `${typeof value} has no JSON form`;
  }
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/** JSON pointer (RFC 6901) of the member that was visited last. */
function pointerOf(frames: readonly Frame[]): string {
  return pointer(frames.map(({ keys, index }) => (keys === null ? index - 1 : keys[index - 1]!)));
}

/** JSON pointer (RFC 6901) of a path; a lone surrogate in it becomes U+FFFD. */
export function pointer(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) text += `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return text.length > 512 ? `${text.slice(0, 512).toWellFormed()}…` : text.toWellFormed();
}
