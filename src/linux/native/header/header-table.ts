import { LinuxError } from '../../linux-error.ts';
import type { FunctionRow, Kind } from '../tables.ts';
import { declarationsOf } from './c-text.ts';
import { prototypeOf, typedefsOf } from './prototypes.ts';

/**
 * A table from a header's text: its typedefs and prototypes, as many as it has. Lines of the preprocessor are passed over, so a header that
 * needs others is given as `gcc -E -P` prints it. Errors: LinuxError EINVAL when there is no prototype in it.
 */
export function headerTable(text: string): Map<string, FunctionRow> {
  const plain = text
    .replace(/\\\n/g, ' ')
    .replace(/\/\*[\s\S]*?\*\//g, ' ')
    .replace(/\/\/.*$/gm, ' ')
    .replace(/^\s*#.*$/gm, ' ')
    .replace(/\bextern\s*"C"\s*\{/g, ' ');
  const declarations = declarationsOf(plain.trimEnd().endsWith(';') ? plain : `${plain};`);
  const typedefs = new Map([...STANDARD, ...typedefsOf(declarations)]);
  const table = new Map<string, FunctionRow>();
  for (const declaration of declarations) {
    const found = prototypeOf(declaration, typedefs);
    if (found === null) continue;
    const { name, result, parameters, variadic } = found;
    const types = [...parameters, ...(variadic ? ['...'] : [])] as (Kind | '...')[];
    table.set(name, [found.text, result as Kind, ...types]);
  }
  if (table.size > 0) return table;
  throw new LinuxError(
    'EINVAL',
    'there is no prototype in it',
    'One looks so: int checksum(const char *path);',
  );
}

/** What stdint.h and its like define, so that a header need not be preprocessed. */
const STANDARD: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...{ int8_t: 'char', uint8_t: 'unsigned char', int16_t: 'short', uint16_t: 'unsigned short' },
    ...{ int32_t: 'int', uint32_t: 'unsigned int', int64_t: 'long', uint64_t: 'unsigned long' },
    ...{
      size_t: 'unsigned long',
      ssize_t: 'long',
      ptrdiff_t: 'long',
      intptr_t: 'long',
      uintptr_t: 'unsigned long',
    },
    ...{ pid_t: 'int', uid_t: 'unsigned int', gid_t: 'unsigned int', off_t: 'long', mode_t: 'unsigned int' },
    ...{ time_t: 'long', bool: '_Bool' },
  }),
);
