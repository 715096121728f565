import { CoaxError } from '../../errors/coax-error.ts';
import { readLines } from './read-lines.ts';

/** One row under a head; every reader of a field names line and column when the field is wrong. */
export interface Row {
  /** The text, trimmed; empty when the file lacks that column. */
  text(column: string): string;
  /** A number from 0; `fallback` when the file lacks the column or the field is empty. */
  amount(column: string, fallback?: number): number;
  /** A whole number from 0. */
  count(column: string, fallback?: number): number;
  /** What is thrown for this row; `hint` says what to do. */
  fault(column: string, reason: string, hint: string): CoaxError;
}

/** More than any machine has, and far below what integers of milli-units can hold. */
const AMOUNT_MAX = 1e11;

/**
 * Reads a CSV file with a head (RFC 4180 without quotes: no field here needs one), a row at a time. Columns may stand in any
 * order; unknown ones are ignored. Errors: COAX_USAGE, with `where` = file:line and the column in the reason.
 */
export async function* readRows(file: string, required: readonly string[]): AsyncGenerator<Row> {
  let columns: Map<string, number> | null = null;
  for await (const { number, text } of readLines(file)) {
    const where = `${file}:${number}`;
    if (columns === null) {
      columns = headOf(where, text, required);
      continue;
    }
    const fields = text.split(',');
    if (fields.length !== columns.size) {
      throw new CoaxError('COAX_USAGE', `the row has ${fields.length} fields, its head ${columns.size}`, {
        where,
        hint: 'Give every row as many fields as the head; an empty field is allowed, a comma within one is not.',
      });
    }
    yield new CsvRow(where, columns, fields);
  }
  if (columns === null)
    throw new CoaxError('COAX_USAGE', 'the file is empty', { where: file, hint: headHint(required) });
}

const headHint = (required: readonly string[]): string =>
  `Its first line must name the columns: ${required.join(',')}; docs/how-to/replay-a-trace.md explains them.`;

function headOf(where: string, text: string, required: readonly string[]): Map<string, number> {
  const names = text.replace(/^\uFEFF/, '').split(',');
  const columns = new Map(names.map((name, index) => [name.trim(), index]));
  const missing = required.filter(name => !columns.has(name));
  if (missing.length > 0) {
    const reason = `the head lacks the column${missing.length === 1 ? '' : 's'} ${missing.join(', ')}`;
    throw new CoaxError('COAX_USAGE', reason, { where, hint: headHint(required) });
  }
  if (columns.size < names.length)
    throw new CoaxError('COAX_USAGE', 'the head names a column twice', { where, hint: headHint(required) });
  return columns;
}

class CsvRow implements Row {
  /** `file:line`. */
  readonly #where: string;
  readonly #columns: ReadonlyMap<string, number>;
  readonly #fields: readonly string[];

  constructor(where: string, columns: ReadonlyMap<string, number>, fields: readonly string[]) {
    this.#where = where;
    this.#columns = columns;
    this.#fields = fields;
  }

  text(column: string): string {
    const index = this.#columns.get(column);
    return index === undefined ? '' : (this.#fields[index] ?? '').trim();
  }

  amount(column: string, fallback?: number): number {
    const text = this.text(column);
    if (text === '' && fallback !== undefined) return fallback;
    const value = /^\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (value <= AMOUNT_MAX) return value;
    throw this.fault(
      column,
      `${JSON.stringify(text)} is not a number`,
      'Write a number from 0, as in 4 or 3.152.',
    );
  }

  count(column: string, fallback?: number): number {
    const value = this.amount(column, fallback);
    if (Number.isInteger(value)) return value;
    throw this.fault(column, `${this.text(column)} is not whole`, 'Write a whole number from 0.');
  }

  fault(column: string, reason: string, hint: string): CoaxError {
    return new CoaxError('COAX_USAGE', `column ${column}: ${reason}`, { where: this.#where, hint });
  }
}
