import { readFileSync } from 'node:fs';
import { LinuxError } from '../../linux-error.ts';
import { KOFFI } from '../arguments.ts';
import type { FunctionRow } from '../tables.ts';
import { headerTable } from './header-table.ts';

/**
 * The functions that a shared object has, of a header's file, a header's text, or a table's file: `{"NAME": ["prototype", "result",
 * "parameter", …]}` in JSON, with the kinds of the shipped table (i32, u64, f64, string, chars, pointer, …). Errors: LinuxError EINVAL; the
 * system's when a file cannot be read.
 */
export function readTable(source: string): Map<string, FunctionRow> {
  const text = source.includes('(') ? source : readFileSync(source, 'utf8');
  if (!text.trimStart().startsWith('{')) return headerTable(text);
  let rows: unknown;
  try {
    rows = JSON.parse(text);
  } catch (error) {
    throw new LinuxError('EINVAL', `${source} is no table: ${(error as Error).message}`);
  }
  return new Map(Object.entries(rows as object).map(([name, row]) => [name, checked(name, row)]));
}

function checked(name: string, row: unknown): FunctionRow {
  const [prototype, ...kinds] = Array.isArray(row) ? (row as unknown[]) : [];
  const unknown = kinds.find((kind, index) =>
    kind === '...' ? index === 0 || index < kinds.length - 1 : !Object.hasOwn(KOFFI, String(kind)),
  );
  if (typeof prototype === 'string' && kinds.length > 0 && unknown === undefined)
    return row as unknown as FunctionRow;
  throw new LinuxError(
    'EINVAL',
    `${name}: ${unknown === undefined ? 'a prototype and the kind of its result are wanted' : `there is no kind ${String(unknown)}`}`,
    `Kinds are ${Object.keys(KOFFI).join(', ')}; as in {"add": ["int add(int a, int b)", "i32", "i32", "i32"]}.`,
  );
}
