/**
 * Arrays as PostgreSQL reads them in binary (src/backend/utils/adt/arrayfuncs.c, array_recv): dimensions, a flag for
 * nulls, the element type, then length and lower bound, then each element with its length. No quoting, and no parsing at
 * the other end: half of the cost of the text form for rows that are full of JSON.
 */
const HEADER = 20;
const TEXT_OID = 25;
const INT8_OID = 20;
const BOOL_OID = 16;
const NULL = -1;

/** A `text[]`; COAX's texts hold no NUL character, which PostgreSQL refuses. */
export function textArray(values: readonly (string | null)[]): Buffer {
  let size = HEADER;
  for (const value of values) size += 4 + (value === null ? 0 : Buffer.byteLength(value));
  const buffer = header(size, TEXT_OID, values.length);
  let at = HEADER;
  for (const value of values) {
    if (value === null) {
      at = buffer.writeInt32BE(NULL, at);
      continue;
    }
    const length = buffer.write(value, at + 4);
    buffer.writeInt32BE(length, at);
    at += 4 + length;
  }
  return buffer;
}

/** A `bigint[]` of safe integers. */
export function bigintArray(values: readonly (number | null)[]): Buffer {
  let size = HEADER;
  for (const value of values) size += value === null ? 4 : 12;
  const buffer = header(size, INT8_OID, values.length);
  let at = HEADER;
  for (const value of values) {
    if (value === null) {
      at = buffer.writeInt32BE(NULL, at);
      continue;
    }
    at = buffer.writeInt32BE(8, at);
    at = buffer.writeInt32BE(Math.floor(value / 0x1_0000_0000), at);
    at = buffer.writeUInt32BE(value >>> 0, at);
  }
  return buffer;
}

/** A `boolean[]`. */
export function booleanArray(values: readonly boolean[]): Buffer {
  const buffer = header(HEADER + values.length * 5, BOOL_OID, values.length);
  let at = HEADER;
  for (const value of values) {
    at = buffer.writeInt32BE(1, at);
    at = buffer.writeUInt8(value ? 1 : 0, at);
  }
  return buffer;
}

function header(size: number, oid: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length === 0 ? 12 : size);
  buffer.writeInt32BE(length === 0 ? 0 : 1, 0);
  buffer.writeInt32BE(1, 4);
  buffer.writeInt32BE(oid, 8);
  if (length === 0) return buffer;
  buffer.writeInt32BE(length, 12);
  buffer.writeInt32BE(1, 16);
  return buffer;
}
