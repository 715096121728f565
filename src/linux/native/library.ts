import koffi, { type LibraryHandle } from 'koffi';
import { LinuxError } from '../linux-error.ts';
import { type Argument, checkArgument, checkVariadic, KOFFI } from './arguments.ts';
import { ErrnoError } from './errno.ts';
import type { FunctionRow, Kind } from './tables.ts';

/** A C function as one of JavaScript. */
export interface NativeFunction {
  (...args: Argument[]): unknown;
  /** Its prototype, as the header has it. */
  readonly prototype: string;
}

/** Functions by their names. */
export type Library = Readonly<Record<string, NativeFunction>>;

/** Results that mean an error when errno is set. */
const FAILED: Partial<Record<Kind, (result: unknown) => boolean>> = {
  i32: result => result === -1,
  i64: result => result === -1 || result === -1n,
  pointer: result => result === null || result === 0xffff_ffff_ffff_ffffn || result === -1n,
  chars: result => result === null,
};

/**
 * Opens a shared object, with the types of its functions. A function is looked up when it is first asked for. Arguments are checked before
 * each call; a result that means an error becomes an ErrnoError when errno was set.
 *
 * Errors: LinuxError ENOENT for an object that cannot be opened, and for a function that it or the table has not; ErrnoError; EINVAL and
 * EFAULT for arguments that the call would not survive.
 */
export function openLibrary(file: string, table: ReadonlyMap<string, FunctionRow>): Library {
  const library = opened(file);
  const known = new Map<string, NativeFunction>();
  const find = (name: string): NativeFunction => {
    const found = known.get(name);
    if (found) return found;
    const row = table.get(name);
    if (row === undefined) throw unknown(file, name, table);
    const made = makeFunction(library, name, row);
    known.set(name, made);
    return made;
  };
  return new Proxy(Object.create(null) as Library, {
    get: (_, name) => (typeof name === 'string' && name !== 'then' ? find(name) : undefined),
    has: (_, name) => typeof name === 'string' && table.has(name),
    ownKeys: () => [...table.keys()],
    getOwnPropertyDescriptor: (_, name) =>
      typeof name === 'string' && table.has(name) ? { enumerable: true, configurable: true } : undefined,
  });
}

function opened(file: string): LibraryHandle {
  try {
    return koffi.load(file);
  } catch (error) {
    throw new LinuxError('ENOENT', `${file} cannot be loaded: ${(error as Error).message}`);
  }
}

function makeFunction(library: LibraryHandle, name: string, row: FunctionRow): NativeFunction {
  const [prototype, result, ...given] = row;
  const variadic = given.at(-1) === '...';
  const parameters = (variadic ? given.slice(0, -1) : given) as Kind[];
  const types = [...parameters.map(kind => KOFFI[kind]), ...(variadic ? ['...'] : [])];
  const native = located(library, name, result === 'chars' ? 'str' : KOFFI[result], types);
  const places = parameters.map((_, index) => `${name}: argument ${index + 1}`);
  const call = (...args: unknown[]): unknown => {
    if (args.length < parameters.length || (args.length > parameters.length && !variadic)) {
      const count = `${parameters.length}${variadic ? ' or more' : ''}`;
      throw new LinuxError('EINVAL', `${name} takes ${count} arguments, not ${args.length}: ${prototype}`);
    }
    const checked = parameters.map((kind, index) => checkArgument(kind, args[index], places[index]!));
    const more = args.slice(parameters.length);
    for (const [index, value] of more.entries())
      checked.push(...checkVariadic(value, `${name}: argument ${parameters.length + index + 1}`));
    koffi.errno(0);
    const answer = native(...checked);
    if (FAILED[result]?.(answer)) {
      const errno = koffi.errno();
      if (errno !== 0) throw new ErrnoError(name, errno, messageOf(errno));
    }
    return answer;
  };
  return Object.defineProperties(call, {
    name: { value: name },
    prototype: { value: prototype },
  }) as unknown as NativeFunction;
}

function located(library: LibraryHandle, name: string, result: string, types: string[]) {
  try {
    return library.func(name, result, types);
  } catch (error) {
    throw new LinuxError('ENOENT', `there is no function ${name} here: ${(error as Error).message}`);
  }
}

let strerror: ((errno: number) => string) | null = null;

function messageOf(errno: number): string {
  strerror ??= koffi.load('libc.so.6').func('strerror', 'str', ['int32_t']) as (errno: number) => string;
  return strerror(errno);
}

function unknown(file: string, name: string, table: ReadonlyMap<string, FunctionRow>): LinuxError {
  const start = name.slice(0, 3).toLowerCase();
  const like = [...table.keys()].filter(one => one.startsWith(start)).slice(0, 5);
  const hint =
    like.length > 0
      ? `There are ${like.join(', ')}.`
      : 'A table of your own can name it: load(file, header).';
  return new LinuxError('ENOENT', `the table of ${file} has no function ${name}`, hint);
}
