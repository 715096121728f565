import koffi from 'koffi';
import { LinuxError } from '../linux-error.ts';
import { isMapped, noMemory } from './pointers.ts';
import type { Kind } from './tables.ts';

/** What a pointer may be given as: memory of ours, an address that a call has returned, or nothing. */
export type Pointer = bigint | ArrayBufferView | ArrayBuffer | null;
export type Argument = string | number | boolean | Pointer;

const BITS: Readonly<Record<string, readonly [bits: number, signed: boolean]>> = {
  i8: [8, true],
  u8: [8, false],
  i16: [16, true],
  u16: [16, false],
  i32: [32, true],
  u32: [32, false],
  i64: [64, true],
  u64: [64, false],
};

/** As koffi names them. */
export const KOFFI: Readonly<Record<Kind, string>> = {
  ...{
    void: 'void',
    bool: 'bool',
    i8: 'int8_t',
    u8: 'uint8_t',
    i16: 'int16_t',
    u16: 'uint16_t',
    i32: 'int32_t',
  },
  ...{ u32: 'uint32_t', i64: 'int64_t', u64: 'uint64_t', f32: 'float', f64: 'double' },
  ...{ string: 'str', chars: 'void *', pointer: 'void *' },
};

/**
 * Checks an argument before the call, since a wrong one could end the process; answers it as koffi takes it. `where` names the call and
 * the parameter. Errors: LinuxError EINVAL, EFAULT.
 */
export function checkArgument(kind: Kind, value: unknown, where: string): unknown {
  if (kind in BITS) return checkWhole(kind, value, where);
  if (kind === 'f32' || kind === 'f64') {
    if (typeof value === 'number') return value;
    throw refused(where, 'a number', value);
  }
  if (kind === 'bool') {
    if (typeof value === 'boolean') return value;
    throw refused(where, 'true or false', value);
  }
  if (kind === 'string' && typeof value === 'string') {
    if (!value.includes('\0')) return value;
    throw new LinuxError('EINVAL', `${where} has a NUL character, where C ends a text`);
  }
  return checkPointer(kind, value, where);
}

function checkWhole(kind: Kind, value: unknown, where: string): number | bigint {
  const [bits, signed] = BITS[kind]!;
  const isWhole = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value));
  if (!isWhole) throw refused(where, 'a whole number', value);
  const least = signed ? -(2n ** BigInt(bits - 1)) : 0n;
  // Flags are often written as unsigned: the same bits are meant.
  const most = 2n ** BigInt(bits) - 1n;
  const whole = BigInt(value as number | bigint);
  if (whole < least || whole > most)
    throw new LinuxError('EINVAL', `${where} takes ${least} to ${most}, not ${whole}`);
  return signed ? BigInt.asIntN(bits, whole) : whole;
}

function checkPointer(kind: Kind, value: unknown, where: string): unknown {
  if (value === null || value === undefined) return null;
  if (typeof value === 'bigint') {
    if (value === 0n) return null;
    // -1 is what mmap and others answer for an error; it is no address either.
    if (!isMapped(value)) throw noMemory(value);
    return kind === 'string' ? koffi.as(value, 'char *') : value;
  }
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    if (kind !== 'string') return value;
    const bytes = ArrayBuffer.isView(value)
      ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
      : new Uint8Array(value);
    if (bytes.includes(0)) return value;
    throw new LinuxError('EINVAL', `${where} has no NUL at its end`, "Give a text: 'hello'.");
  }
  if (kind === 'chars' && typeof value === 'string')
    throw new LinuxError(
      'EINVAL',
      `${where} is written into`,
      `Give it room: Buffer.alloc(${Math.max(64, value.length + 1)}).`,
    );
  const wanted = kind === 'string' ? "a text such as 'hello'" : 'a buffer or an address';
  throw refused(where, wanted, value);
}

/** The types of arguments beyond those that a prototype names, by what they are: C's default promotions. */
export function checkVariadic(value: unknown, where: string): [type: string, value: unknown] {
  if (typeof value === 'string') return ['str', checkArgument('string', value, where)];
  if (typeof value === 'boolean') return ['int32_t', Number(value)];
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) return ['double', value];
    return Math.abs(value) < 2 ** 31 ? ['int32_t', value] : ['int64_t', BigInt(value)];
  }
  if (typeof value === 'bigint' && !isMapped(value)) return ['int64_t', BigInt.asIntN(64, value)];
  return ['void *', checkPointer('pointer', value, where)];
}

function refused(where: string, wanted: string, value: unknown): LinuxError {
  const given = typeof value === 'object' ? 'an object' : `${typeof value} ${String(value)}`;
  return new LinuxError('EINVAL', `${where} takes ${wanted}, not ${value === undefined ? 'nothing' : given}`);
}
