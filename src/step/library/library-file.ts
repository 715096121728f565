import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { readConfig } from '../../config-file/read-config.ts';
import { CoaxError, textOf } from '../../errors/coax-error.ts';
import { headerTable } from '../../linux/native/header/header-table.ts';
import { parameterNames } from '../../linux/native/header/parameter-names.ts';
import type { FunctionRow, Kind } from '../../linux/native/tables.ts';
import type { ProcessLimits } from '../../linux/process/process-spec.ts';
import { isParameterName, NAME } from '../../message/limits.ts';
import { limitsSchema } from '../executable/limits.ts';
import { type Declared, declareValues } from '../executable/module-file.ts';

export const LIBRARY_FILE = 'library.yaml';
/** A text that a function writes. */
const ROOM_MAX_BYTES = 64 * 1024;

const parameter = z.string().refine(isParameterName, 'no name of a parameter');
const argumentSchema = z.union([
  parameter,
  z.strictObject({ value: z.union([z.string(), z.number(), z.boolean(), z.null()]) }),
  z.strictObject({ room: z.int().min(1).max(ROOM_MAX_BYTES), set: parameter.optional() }),
  z.strictObject({ key: z.literal(true) }),
]);
const FAILS = ['errno', 'nonzero', 'negative', 'zero', 'never'] as const;
const callSchema = z.strictObject({
  call: z.string().regex(/^[A-Za-z_]\w*$/, 'no name of a function'),
  arguments: z.array(argumentSchema).optional(),
  fails: z.enum(FAILS).default('errno'),
  retry: z.array(z.string()).default(['EAGAIN', 'EINTR', 'EBUSY', 'ETIMEDOUT', 'ENOMEM']),
});
const librarySchema = z.strictObject({
  about: z.string().default(''),
  library: z.string().min(1),
  header: z.string().min(1),
  actions: z.record(
    z.string().regex(NAME, 'no name of an action: small letters, digits, _ and -, a letter first'),
    callSchema.extend({
      about: z.string().default(''),
      set: parameter.optional(),
      limits: limitsSchema.optional(),
      undo: z.union([z.literal('none'), callSchema]).optional(),
    }),
  ),
});

/** Where an argument comes from: a parameter of that name, a fixed value, room for a text, the key of the step. */
export type ArgumentSource = z.output<typeof argumentSchema>;

/** A call of a function as `library.yaml` declares it, with the types of the header. */
export interface LibraryCall {
  readonly name: string;
  readonly row: FunctionRow;
  readonly sources: readonly ArgumentSource[];
  /** When its result means a failure. `errno`: -1 or NULL, with errno set, as in libc. */
  readonly fails: (typeof FAILS)[number];
  /** Names of errnos that may be gone another time. */
  readonly retry: readonly string[];
}

export interface LibraryAction {
  readonly name: string;
  readonly about: string;
  readonly do: LibraryCall;
  /** `none`: nothing is to be undone. Null: it has no undo. */
  readonly undo: LibraryCall | 'none' | null;
  /** The parameter that the result becomes, if any. */
  readonly set: string | null;
  readonly input: Declared;
  readonly limits: ProcessLimits | null;
}

export interface LibraryFile {
  /** The shared object: absolute path, or a name that the system's loader finds. */
  readonly object: string;
  readonly header: string;
  readonly actions: readonly LibraryAction[];
}

/** Reads a module's `library.yaml`; null where there is none, the reason where it is faulty. */
export function readLibraryFile(folder: string): LibraryFile | { readonly fault: string } | null {
  const file = join(folder, LIBRARY_FILE);
  if (!existsSync(file)) return null;
  try {
    const config = readConfig(readFileSync(file, 'utf8'), basename(file), librarySchema);
    if ('faults' in config) {
      const [{ where, reason }] = config.faults;
      return { fault: `${reason} (at ${where})` };
    }
    const { library, header, actions } = config.value;
    const object = library.includes('/') ? resolve(folder, library) : library;
    if (library.includes('/') && !existsSync(object)) return { fault: `${object} does not exist` };
    const text = header.includes('(') ? header : readFileSync(resolve(folder, header), 'utf8');
    const table = headerTable(text);
    return {
      object,
      header: text,
      actions: Object.entries(actions).map(([name, declared]) => ({
        name,
        about: declared.about,
        do: callOf(declared, table, `/actions/${name}`),
        undo:
          declared.undo === undefined || declared.undo === 'none'
            ? (declared.undo ?? null)
            : callOf(declared.undo, table, `/actions/${name}/undo`),
        set: declared.set ?? null,
        input: inputOf(callOf(declared, table, `/actions/${name}`), `/actions/${name}/input`),
        limits: declared.limits ?? null,
      })),
    };
  } catch (error) {
    const where = error instanceof CoaxError && error.where ? ` (at ${error.where})` : '';
    return { fault: textOf(error) + where };
  }
}

function callOf(
  { call, arguments: given, fails, retry }: z.output<typeof callSchema>,
  table: ReadonlyMap<string, FunctionRow>,
  at: string,
): LibraryCall {
  const fault = (reason: string): CoaxError => new CoaxError('COAX_USAGE', reason, { where: at });
  const row = table.get(call);
  if (row === undefined)
    throw fault(`the header has no function ${call}; it has ${[...table.keys()].slice(0, 8).join(', ')}`);
  const kinds = row.slice(2) as (Kind | '...')[];
  if (kinds.at(-1) === '...') throw fault(`${call} takes any number of arguments, which no header types`);
  const sources = given ?? parameterNames(row[0]);
  if (sources === null) throw fault(`the header names not all parameters of ${call}: give them as arguments`);
  if (sources.length !== kinds.length)
    throw fault(`${call} takes ${kinds.length} arguments, not ${sources.length}: ${row[0]}`);
  for (const [index, source] of sources.entries()) {
    const unfit = unfitness(kinds[index] as Kind, source);
    if (unfit !== null) throw fault(`argument ${index + 1} of ${call} ${unfit}: ${row[0]}`);
  }
  return { name: call, row, sources, fails, retry };
}

/** Why a function's parameter cannot be given so, or null. */
function unfitness(kind: Kind, source: ArgumentSource): string | null {
  const isRoom = typeof source === 'object' && 'room' in source;
  if (isRoom) return kind === 'chars' ? null : 'takes no room for a text';
  if (kind === 'chars') return 'is written into: give it room, {room: 256, set: NAME}';
  const isNull = typeof source === 'object' && 'value' in source && source.value === null;
  if (kind === 'pointer') return isNull ? null : 'is a pointer: a step has numbers and texts alone';
  if (typeof source === 'object' && 'key' in source && kind !== 'string') return 'takes no text';
  return null;
}

/** Bits of what is signed and what is not, as JSON Schema has them. Of 64 bits, those that JSON's numbers are exact for. */
const SCHEMA: Partial<Record<Kind, object>> = {
  bool: { type: 'boolean' },
  i8: { type: 'integer', minimum: -128, maximum: 127 },
  u8: { type: 'integer', minimum: 0, maximum: 255 },
  i16: { type: 'integer', minimum: -32_768, maximum: 32_767 },
  u16: { type: 'integer', minimum: 0, maximum: 65_535 },
  i32: { type: 'integer', minimum: -(2 ** 31), maximum: 2 ** 31 - 1 },
  u32: { type: 'integer', minimum: 0, maximum: 2 ** 32 - 1 },
  i64: { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
  u64: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  f32: { type: 'number' },
  f64: { type: 'number' },
  string: { type: 'string' },
};

function inputOf({ row, sources }: LibraryCall, at: string): Declared {
  const kinds = row.slice(2) as Kind[];
  const named = sources.flatMap((source, index) =>
    typeof source === 'string' ? [[source, SCHEMA[kinds[index]!]!] as const] : [],
  );
  return declareValues(Object.fromEntries(named), at);
}
