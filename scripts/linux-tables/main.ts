/**
 * Writes the tables of src/linux/native/tables from the headers of this machine: prototypes of what libc and libm export, constants, and
 * layouts of structs. Needs gcc, libc6-dev and linux-libc-dev; the tables are part of the source, so only whoever makes them anew does.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { declarationsOf } from '../../src/linux/native/header/c-text.ts';
import { prototypeOf, typedefsOf } from '../../src/linux/native/header/prototypes.ts';
import { structsOf } from './struct-texts.ts';

const HERE = import.meta.dirname;
const TO = join(HERE, '../../src/linux/native/tables');
const LIBRARIES = ['/lib/x86_64-linux-gnu/libc.so.6', '/lib/x86_64-linux-gnu/libm.so.6'];
const MORE_MEMORY = { encoding: 'utf8', maxBuffer: 2 ** 28 } as const;
const ROUNDS_MAX = 20;

const folder = mkdtempSync(join(tmpdir(), 'coax-linux-tables-'));
try {
  mkdirSync(TO, { recursive: true });
  const header = join(HERE, 'headers.h');
  const text = execFileSync('gcc', ['-E', '-P', header], MORE_MEMORY);
  const declarations = declarationsOf(text);
  writeJson('functions', functionTable(declarations));
  writeJson('constants', constantTable(header, text));
  writeJson('structs', structTable(header, declarations));
} finally {
  rmSync(folder, { recursive: true });
}

function writeJson(name: string, table: Record<string, unknown>): void {
  const lines = Object.keys(table)
    .sort()
    .map(key => `${JSON.stringify(key)}:${JSON.stringify(table[key])}`);
  writeFileSync(join(TO, `${name}.json`), `{\n${lines.join(',\n')}\n}\n`);
  process.stdout.write(`${name}: ${lines.length}\n`);
}

/** `{name: [text, result, ...parameters]}`, the last of which is `...` for a variadic one. */
function functionTable(declarations: readonly string[]): Record<string, readonly string[]> {
  const exported = new Set(
    LIBRARIES.flatMap(library =>
      execFileSync('nm', ['-D', '--defined-only', library], MORE_MEMORY)
        .split('\n')
        .filter(line => / [TWiu] /.test(line) && !/[^@]@[^@]/.test(line))
        .map(line => line.split(' ').at(-1)!.split('@')[0]!),
    ),
  );
  const typedefs = typedefsOf(declarations);
  const table: Record<string, readonly string[]> = {};
  for (const declaration of declarations) {
    const found = prototypeOf(declaration, typedefs);
    if (found === null || !exported.has(found.name) || found.name.startsWith('_')) continue;
    const { name, result, parameters, variadic } = found;
    table[name] = [found.text, result, ...parameters, ...(variadic ? ['...'] : [])];
  }
  return table;
}

/** `{NAME: value}`; a value beyond 2^53 is a text. */
function constantTable(header: string, text: string): Record<string, number | string> {
  const macros = execFileSync('gcc', ['-dM', '-E', header], MORE_MEMORY)
    .split('\n')
    .map(line => /^#define (_?[A-Z][A-Z0-9_]*) (?!\s*$)/.exec(line)?.[1])
    .filter(name => name !== undefined);
  const listed = [...text.matchAll(/\benum\b[^{};]*\{([^}]*)\}/g)].flatMap(([, body]) =>
    [...body!.matchAll(/(?:^|,)\s*(_?[A-Z][A-Z0-9_]*)/g)].map(match => match[1]!),
  );
  const signed = ['int', 'long', 'long long'];
  const types = [...signed, ...signed.map(type => `unsigned ${type}`)];
  const cases = types.map(type => `${type}: (n)`).join(', ');
  const forms = types
    .map(type => `${type}: "%s %ll${type.startsWith('unsigned') ? 'u' : 'd'}\\n"`)
    .join(', ');
  const head = `#include "${header}"
#define P(n) printf(_Generic((n), ${forms}, default: ""), #n, (long long) _Generic((n), ${cases}, default: 0));
int main(void) {
`;
  const lines = [...new Set([...macros, ...listed])].map(name => `P(${name})`);
  return Object.fromEntries(
    printed(head, lines).map(line => {
      const [name, value] = line.split(' ') as [string, string];
      return [name, Number.isSafeInteger(Number(value)) ? Number(value) : value];
    }),
  );
}

/** `{type: [bytes, [field, kind, offset, bytes], …]}`; kind as src/linux/native/structs.ts knows it. */
function structTable(header: string, declarations: readonly string[]): Record<string, unknown> {
  const scalars = {
    ...{
      _Bool: 'bool',
      char: 'i8',
      'signed char': 'i8',
      'unsigned char': 'u8',
      short: 'i16',
      'unsigned short': 'u16',
    },
    ...{ int: 'i32', unsigned: 'u32', long: 'i64', 'unsigned long': 'u64', 'long long': 'i64' },
    ...{ 'unsigned long long': 'u64', float: 'f32', double: 'f64' },
  };
  const kinds = Object.entries(scalars)
    .map(([type, kind]) => `${type}: "${kind}"`)
    .join(', ');
  const head = `#include <stddef.h>
#include "${header}"
#define S(t) printf("%s,,,%zu\\n", #t, sizeof(t));
#define F(t, f) printf("%s,%s,%s,%zu,%zu\\n", #t, #f, _Generic((((t *)0)->f), ${kinds}, default: "bytes"), offsetof(t, f), sizeof(((t *)0)->f));
#define A(t, f) printf("%s,%s,%s[],%zu,%zu\\n", #t, #f, _Generic((((t *)0)->f[0]), ${kinds}, default: "bytes"), offsetof(t, f), sizeof(((t *)0)->f));
#define N(t, f, k) printf("%s,%s,%s,%zu,%zu\\n", #t, #f, k, offsetof(t, f), sizeof(((t *)0)->f));
int main(void) {
`;
  const lines = structsOf(declarations)
    .filter(({ type }) => !/(^|\s)_/.test(type))
    .flatMap(({ type, fields }) => [
      `S(${type})`,
      ...fields.map(({ name, isArray, kind }) =>
        kind && !isArray ? `N(${type}, ${name}, "${kind}")` : `${isArray ? 'A' : 'F'}(${type}, ${name})`,
      ),
    ]);
  const table: Record<string, unknown[]> = {};
  for (const line of printed(head, lines)) {
    const [type, field, kind, offset, bytes] = line.split(',') as [string, string, string, string, string?];
    if (field === '') table[type] = [Number(offset)];
    else if (bytes !== '0') table[type]?.push([field, kind, Number(offset), Number(bytes)]);
  }
  return table;
}

/** What a C program prints, without the lines that do not compile. */
function printed(head: string, lines: readonly string[]): string[] {
  const source = join(folder, 'table.c');
  const program = join(folder, 'table');
  const first = head.split('\n').length;
  let left = lines;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    writeFileSync(source, `${head}${left.join('\n')}\nreturn 0; }\n`);
    const made = spawnSync('gcc', ['-w', '-fmax-errors=0', '-o', program, source], MORE_MEMORY);
    if (made.status === 0) return execFileSync(program, MORE_MEMORY).split('\n').filter(Boolean);
    // An error in a macro is told at its definition, with a note of where it is used.
    const told = [...made.stderr.matchAll(/table\.c:(\d+):\d+: (?:error|note)/g)];
    const wrong = new Set(told.map(match => Number(match[1]) - first).filter(index => index >= 0));
    if (wrong.size === 0) throw new Error(made.stderr.slice(0, 2000));
    left = left.filter((_, index) => !wrong.has(index));
  }
  throw new Error(
    `after ${ROUNDS_MAX} rounds there are still lines that do not compile: ${readFileSync(source, 'utf8').length} bytes`,
  );
}
