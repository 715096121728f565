import { LinuxError } from '../linux-error.ts';
import { type FieldRow, structTable } from './tables.ts';

/** Memory of a C struct, to be given to a call; its fields are read and written by name. */
export interface Struct {
  readonly [field: string]: unknown;
}

const READ: Readonly<Record<string, readonly [bytes: number, get: string, set: string]>> = {
  bool: [1, 'getUint8', 'setUint8'],
  i8: [1, 'getInt8', 'setInt8'],
  u8: [1, 'getUint8', 'setUint8'],
  i16: [2, 'getInt16', 'setInt16'],
  u16: [2, 'getUint16', 'setUint16'],
  i32: [4, 'getInt32', 'setInt32'],
  u32: [4, 'getUint32', 'setUint32'],
  i64: [8, 'getBigInt64', 'setBigInt64'],
  u64: [8, 'getBigUint64', 'setBigUint64'],
  pointer: [8, 'getBigUint64', 'setBigUint64'],
  f32: [4, 'getFloat32', 'setFloat32'],
  f64: [8, 'getFloat64', 'setFloat64'],
};

type Access = Record<string, (at: number, ...more: unknown[]) => unknown>;

/**
 * Zeroed memory of a struct by its name, `stat` or `struct stat`: a Buffer with the fields beside, in the byte order of the machine.
 * A field of a union or struct that has a name stands there by its own name, too. Errors: LinuxError ENOENT for a struct that is not in
 * the table.
 */
export function struct(name: string, from?: Uint8Array): Buffer & Struct {
  const row = structTable().get(`struct ${name}`) ?? structTable().get(name);
  if (row === undefined) throw new LinuxError('ENOENT', `the table has no struct ${name}`, namesLike(name));
  const [bytes, ...fields] = row as readonly [number, ...FieldRow[]];
  const memory = Buffer.from(new ArrayBuffer(bytes));
  if (from) memory.set(from.subarray(0, bytes));
  for (const field of fields) define(memory, field);
  return memory as Buffer & Struct;
}

/** The fields with their values, for people. */
export function fieldsOf(memory: Buffer & Struct): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(memory)
      .filter(key => !/^\d+$/.test(key))
      .map(key => [key, memory[key]]),
  );
}

function define(memory: Buffer, [path, kind, offset, bytes]: FieldRow): void {
  const name = path.split('.').at(-1)!;
  if (name.startsWith('_') || name in memory) return;
  const place = memory.subarray(offset, offset + bytes);
  Object.defineProperty(memory, name, {
    enumerable: true,
    get: () => read(place, kind),
    set: (value: unknown) => write(place, kind, value, name),
  });
}

function read(place: Buffer, kind: string): unknown {
  if (kind === 'bytes') return place;
  if (kind.startsWith('struct ')) return structTable().has(kind) ? struct(kind, place) : place;
  if (kind === 'i8[]' || kind === 'u8[]') {
    const end = place.indexOf(0);
    const text = place.subarray(0, end < 0 ? place.length : end).toString('latin1');
    return kind === 'i8[]' && /^[\x20-\x7e]*$/.test(text) ? text : place;
  }
  if (kind.endsWith('[]')) {
    const one = kind.slice(0, -2);
    const size = READ[one]?.[0];
    if (size === undefined) return place;
    return Array.from({ length: place.length / size }, (_, index) =>
      read(place.subarray(index * size, (index + 1) * size), one),
    );
  }
  const view = new DataView(place.buffer, place.byteOffset, place.length) as unknown as Access;
  const value = view[READ[kind]![1]]!(0, true);
  return typeof value === 'bigint' && kind !== 'pointer' && BigInt(Number(value)) === value
    ? Number(value)
    : value;
}

function write(place: Buffer, kind: string, value: unknown, name: string): void {
  if (typeof value === 'string' && (kind.endsWith('8[]') || kind === 'bytes')) {
    const text = Buffer.from(value, 'utf8');
    if (text.length >= place.length)
      throw new LinuxError('EINVAL', `${name} has room for ${place.length - 1} bytes, not ${text.length}`);
    place.fill(0);
    text.copy(place);
  } else if (value instanceof Uint8Array) {
    if (value.length > place.length)
      throw new LinuxError('EINVAL', `${name} has room for ${place.length} bytes, not ${value.length}`);
    place.set(value);
  } else if (
    kind in READ &&
    (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
  ) {
    const [bytes, , set] = READ[kind]!;
    const view = new DataView(place.buffer, place.byteOffset, place.length) as unknown as Access;
    const isFloat = kind.startsWith('f');
    view[set]!(0, bytes === 8 && !isFloat ? BigInt(value) : Number(value), true);
  } else throw new LinuxError('EINVAL', `${name} cannot be set to ${typeof value} ${String(value)}`);
}

function namesLike(name: string): string {
  const start = name.replace(/^struct /, '').slice(0, 3);
  const like = [...structTable().keys()]
    .map(one => one.replace('struct ', ''))
    .filter(one => one.startsWith(start));
  return like.length > 0 ? `There are ${like.slice(0, 8).join(', ')}.` : '';
}
