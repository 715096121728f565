import { readFileSync } from 'node:fs';

/** `[text of the prototype, result, ...parameters]`; a last parameter `...` is for a function that takes more. */
export type FunctionRow = readonly [text: string, result: Kind, ...parameters: (Kind | '...')[]];

/** What is given or got by value: integers by their bits, `chars` a text that the function may write into. */
export type Kind =
  | 'void'
  | 'bool'
  | 'i8'
  | 'u8'
  | 'i16'
  | 'u16'
  | 'i32'
  | 'u32'
  | 'i64'
  | 'u64'
  | 'f32'
  | 'f64'
  | 'string'
  | 'chars'
  | 'pointer';

/** `[bytes, [field, kind, offset, bytes], …]`; a kind may also be `bytes`, `struct x`, or one of those above with `[]`. */
export type StructRow = readonly [bytes: number, ...fields: FieldRow[]];
export type FieldRow = readonly [field: string, kind: string, offset: number, bytes: number];

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`tables/${name}.json`, import.meta.url), 'utf8'));

const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
};

/** Of libc and libm, made from the headers of Debian 12 (scripts/linux-tables). */
export const functionTable = once(
  () => new Map(Object.entries(read('functions') as Record<string, FunctionRow>)),
);
export const structTable = once(() => new Map(Object.entries(read('structs') as Record<string, StructRow>)));

/** Constants of the headers by name; a value beyond 2^53 is a bigint. */
export const constants = once(() => {
  const rows = read('constants') as Record<string, number | string>;
  const values = Object.entries(rows).map(([name, value]) => [
    name,
    typeof value === 'string' ? BigInt(value) : value,
  ]);
  return Object.freeze(Object.fromEntries(values)) as Readonly<Record<string, number | bigint>>;
});
