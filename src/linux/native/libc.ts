import { type Library, openLibrary } from './library.ts';
import { functionTable } from './tables.ts';

let c: Library | null = null;
let m: Library | null = null;

/** libc by name, with libm's functions where libc has none of that name: `libc.strlen('hello')`. Loaded at the first use. */
export const libc: Library = new Proxy(Object.create(null) as Library, {
  get: (_, name) => {
    if (typeof name !== 'string') return undefined;
    c ??= openLibrary('libc.so.6', functionTable());
    try {
      return c[name];
    } catch (error) {
      if (!functionTable().has(name)) throw error;
      m ??= openLibrary('libm.so.6', functionTable());
      return m[name];
    }
  },
  has: (_, name) => typeof name === 'string' && functionTable().has(name),
  ownKeys: () => [...functionTable().keys()],
  getOwnPropertyDescriptor: (_, name) =>
    typeof name === 'string' && functionTable().has(name)
      ? { enumerable: true, configurable: true }
      : undefined,
});
