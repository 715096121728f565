import { cell } from '../../output/output.ts';
import type { Column } from '../../output/table.ts';
import { valueText } from '../../output/text.ts';

export interface SchemaRow {
  readonly name: string;
  readonly type: string;
  readonly limits: string;
  readonly fallback: string;
  readonly about: string;
}

const LIMITS: Readonly<Record<string, string>> = {
  minimum: '≥ ',
  maximum: '≤ ',
  minLength: 'length ≥ ',
  maxLength: 'length ≤ ',
  minItems: 'items ≥ ',
  maxItems: 'items ≤ ',
  enum: 'one of ',
};
/** zod writes the range of safe integers into every integer's schema: no news to a reader. */
const NO_LIMITS = new Set([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]);

/** The properties of a JSON Schema, a row each. */
export function schemaRows(
  properties: Readonly<Record<string, unknown>>,
  required: readonly string[],
): SchemaRow[] {
  return Object.entries(properties).map(([name, value]) => {
    const schema = (value ?? {}) as Record<string, unknown>;
    const limits = Object.entries(LIMITS).flatMap(([key, sign]) =>
      schema[key] === undefined || NO_LIMITS.has(schema[key] as number)
        ? []
        : [`${sign}${valueText(schema[key], 40)}`],
    );
    const must = required.includes(name) ? 'required' : '';
    return {
      name: cell(name),
      type: Array.isArray(schema.type) ? schema.type.join('|') : String(schema.type ?? 'any'),
      limits: [...(schema.secret === true ? ['secret'] : []), ...limits].join(' '),
      fallback: schema.default === undefined ? must : valueText(schema.default, 30) || '""',
      about: typeof schema.description === 'string' ? cell(schema.description) : '',
    };
  });
}

export const schemaColumns: readonly Column<SchemaRow>[] = [
  { head: 'PARAMETER', cell: row => row.name },
  { head: 'TYPE', cell: row => row.type },
  { head: 'DEFAULT', cell: row => row.fallback },
  { head: 'LIMITS', cell: row => row.limits },
  { head: 'ABOUT', cell: row => row.about },
];
