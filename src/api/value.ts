import { z } from 'zod';
import { LABEL_NAME, LABEL_VALUE, LABELS_MAX } from '../message/carried/labels.ts';
import { SELECTOR_LENGTH_MAX } from '../message/carried/selector.ts';
import type { Json, Parameters } from '../message/message.ts';

/** Any JSON value. */
export const JsonValue = z.unknown().meta({ description: 'Any JSON value.' }) as unknown as z.ZodType<
  Json,
  Json
>;

export const ParametersObject = z.record(z.string(), z.unknown()).meta({
  id: 'Parameters',
  description: 'One flat JSON object; values may be any JSON. At most 1 MiB, 1000 names, 32 levels.',
}) as unknown as z.ZodType<Parameters, Parameters>;

export const Msgid = z
  .int()
  .min(1)
  .meta({ description: 'Number of a message.', examples: [141592] });
export const CommitId = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'give all 64 hex digits')
  .meta({ description: 'SHA-256 (hex) of the canonical JSON of a commit.' });
export const Time = z.string().meta({ description: 'ISO 8601, UTC, milliseconds.', format: 'date-time' });
export const TimeMs = z.number().meta({ description: 'Milliseconds since 1970.' });
export const Name = z.string().min(1).max(253).meta({ description: 'Its name.' });
export const Reason = z
  .string()
  .max(4096)
  .default('')
  .meta({ description: 'Why; kept in the ledger.', examples: ['the customer changed her mind'] });

/**
 * A number in a path or a query, where it arrives as text: digits alone. What `Number` would read too (nothing at all, `0x10`, `1e3`)
 * was hardly meant.
 */
function numberOf(form: RegExp, hint: string, number: z.ZodType<number, number>) {
  const read = z
    .unknown()
    .transform((value, { addIssue }) => {
      if (typeof value !== 'string') return value;
      if (!form.test(value)) addIssue(hint);
      return Number(value);
    })
    .pipe(number as unknown as z.ZodType<number, unknown>);
  return read as unknown as z.ZodType<number, string | number>;
}

export const wholeNumber = (min: number, max: number = Number.MAX_SAFE_INTEGER) =>
  numberOf(/^-?\d{1,20}$/, 'give a whole number, in digits', z.int().min(min).max(max));

export const MsgidText = wholeNumber(1)
  // Said by hand: of a pipe, the document shows what comes in, which is any number.
  .meta({ description: 'Number of a message.', type: 'integer', minimum: 1 });
const WAIT_MAX = 600;
export const WaitSeconds = numberOf(
  /^-?\d{1,20}(\.\d{1,9})?$/,
  'give a number of seconds, in digits',
  z.number().min(0).max(WAIT_MAX),
).meta({
  description: 'Holds the answer until the message rests, for at most so many seconds.',
  type: 'number',
  minimum: 0,
  maximum: WAIT_MAX,
});

export const LabelsObject = z
  .record(
    z.string().regex(LABEL_NAME, 'give a name of letters, digits and ._/-, at most 128'),
    z.string().regex(LABEL_VALUE, 'give letters, digits and ._/:@+-, at most 128'),
  )
  .meta({
    id: 'Labels',
    description: `What people find it by: names with texts, ${LABELS_MAX} at most. Nothing in Coax acts by them.`,
    examples: [{ env: 'prod', tier: 'web' }],
  });
export const SelectorText = z
  .string()
  .max(SELECTOR_LENGTH_MAX)
  .meta({
    description:
      'Only what has such labels: `env=prod,tier!=web,zone in (a,b),zone notin (c),gpu,!old`; all conditions must hold.',
    examples: ['env=prod,tier!=web'],
  });

export const MsgidPath = z.object({ msgid: MsgidText });
export const NamePath = z.object({ name: Name });

const FieldNames = z
  .string()
  .min(1)
  .max(1000)
  .optional()
  .meta({
    description: 'Only these members of each item, by their names with commas between.',
    examples: ['name'],
  });

/** Parameters of every list. */
export const PageQuery = z.strictObject({
  limit: wholeNumber(1, 1000)
    .default(50)
    .meta({ description: 'Items at most.', type: 'integer', minimum: 1, maximum: 1000 }),
  cursor: z.string().max(1000).optional().meta({ description: '`next` of the page before.' }),
  fields: FieldNames,
});

/** Parameters of a list that comes whole unless a limit is asked for. */
export const ListQuery = z.strictObject({
  limit: wholeNumber(1, 1000)
    .optional()
    .meta({ description: 'Items at most; all when absent.', type: 'integer', minimum: 1, maximum: 1000 }),
  cursor: z.string().max(1000).optional().meta({ description: '`next` of the page before.' }),
  fields: FieldNames,
});
export type ListQuery = { limit?: number | undefined; cursor?: string | undefined };

/** The same of things with labels. */
export const LabelledListQuery = ListQuery.extend({ selector: SelectorText.optional() });
export type LabelledListQuery = ListQuery & { selector?: string | undefined };

/** A page of a list. `next` is absent on the last page. */
export function pageOf<Item extends z.ZodType>(item: Item, id: string) {
  return z
    .object({
      items: z.array(item),
      next: z.string().optional().meta({ description: 'Give it as `cursor` to get the next page.' }),
    })
    .meta({ id, description: 'A page of a list.' });
}

/** An answer with a line for each of what was asked: it has no pages. */
export function listOf<Item extends z.ZodType>(item: Item, id: string) {
  return z.object({ items: z.array(item) }).meta({ id, description: 'A list.' });
}
