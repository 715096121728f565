import {
  type DecidedItem,
  type DecideManyBody,
  MANY_MAX,
  type MessageView,
} from '../../../../api/message.ts';
import { CoaxError } from '../../../../errors/coax-error.ts';
import { STATUSES } from '../../../../message/message.ts';
import type { Context } from '../../../context.ts';
import { SELECTOR_OPTION } from '../../../input/labels.ts';
import { cell, type Output } from '../../../output/output.ts';
import { styleStatus } from '../../../output/style.ts';
import type { Column } from '../../../output/table.ts';
import { truncate } from '../../../output/text.ts';
import { type VerbOption, wholeNumber } from '../../../verb.ts';

/** Which messages are meant when no msgid is given. */
export interface ManyOptions {
  readonly status?: MessageView['status'];
  readonly flow?: string;
  readonly selector?: string;
  readonly yes?: boolean;
  readonly limit?: number;
}

export const MANY: readonly VerbOption[] = [
  { flags: '-f, --flow <flow>', about: 'Instead of a msgid: all of this flow', completes: 'flow' },
  { ...SELECTOR_OPTION, about: 'Instead of a msgid: all with such labels' },
  {
    flags: '-s, --status <status>',
    about: 'Of those only what stands so',
    choices: STATUSES,
    completes: 'status',
  },
  {
    flags: '-n, --limit <n>',
    about: `Touch none when more than so many are meant; ${MANY_MAX} if absent`,
    parse: wholeNumber(1),
  },
  { flags: '-y, --yes', about: 'Do it to all of them; without it they are only listed' },
];

/** How the statuses of a verb for many are told. */
export const MANY_STATUSES: readonly [number, string][] = [
  [2, 'of many: without --yes, when something would be done'],
];

/** What is decided about many, as the API is asked for it. */
export type ManyDeed = DistributiveOmit<
  DecideManyBody,
  'project' | 'flow' | 'selector' | 'status' | 'limit' | 'apply' | 'reason'
>;
type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never;

/** As in "3 messages would be cancelled". */
const DONE: Readonly<Record<ManyDeed['verb'], string>> = {
  cancel: 'cancelled',
  revert: 'reverted',
  rewind: 'rewound',
  resolve: 'resolved',
  fork: 'started again',
};

/** Is it one message, or all that the options name? Errors: COAX_USAGE for both, and for neither. */
export function isForMany(word: string | undefined, options: ManyOptions): boolean {
  const { status, flow, selector, yes, limit } = options;
  const many = flow !== undefined || selector !== undefined;
  if (many && word !== undefined)
    throw usage('a msgid and --flow or --selector were given', 'Give one of them.');
  if (!many && word === undefined) throw usage('no message was named', 'Give a msgid, --flow or --selector.');
  if (!many && (status !== undefined || limit !== undefined || yes))
    throw usage('--status, --limit and --yes go with --flow or --selector');
  return many;
}

/**
 * Decides about every message that the options name, when `--yes` is given; else lists them, and says so by COAX_USAGE. Those that
 * could not be are told one by one, not an error. Gives the exit status: 5 when there are some and none could be, with `--yes` or not.
 */
export async function decideMany(
  context: Context,
  options: ManyOptions & { readonly reason?: string },
  deed: ManyDeed,
): Promise<number> {
  const { out } = context;
  const { yes: apply = false, flow, selector, status, limit, reason = '' } = options;
  if (apply && reason.trim() === '')
    throw usage('a decision about many messages needs a reason', 'Say why: --reason "…".');
  const client = await context.client();
  const { items, more } = await client.decideMany({
    ...deed,
    ...(flow !== undefined && { flow }),
    ...(selector !== undefined && { selector }),
    ...(status !== undefined && { status }),
    ...(limit !== undefined && { limit }),
    reason,
    apply,
  });
  const did = DONE[deed.verb];
  const able = items.filter(({ outcome }) => outcome !== 'refused');
  if (!apply) {
    await out.list({ items }, { columns: columnsOf(out), name: nameOf, empty: NONE });
    if (items.length === 0) return 0;
    if (able.length > 0) throw preview(able.length, items.length, more, did);
    const none = items.length === 1 && !more ? 'this message cannot' : `none of ${count(items.length)} can`;
    out.hint(`${none} be ${did}: NOTE says why`);
    return 5;
  }
  const refused = items.filter(({ outcome }) => outcome === 'refused');
  if (out.forPeople && items.length === 0) out.hint(NONE);
  else if (out.forPeople) out.line(`${did}: ${count(able.length)}`);
  else {
    const shown = out.format === 'name' ? [...able].reverse() : items;
    await out.list({ items: shown }, { columns: columnsOf(out), name: nameOf, empty: '' });
  }
  for (const { msgid, error } of refused) out.hint(`${msgid} could not be: ${error?.detail ?? ''}`);
  return able.length === 0 && refused.length > 0 ? 5 : 0;
}

/** Nothing was done: what would be, and how to have it done. */
function preview(able: number, all: number, more: boolean, did: string): CoaxError {
  if (more) return usage(`more than ${count(all)} are meant; nothing was done`, 'Name fewer before --yes.');
  const others = all > able ? `, ${all - able} cannot be` : '';
  return usage(`${count(able)} would be ${did}${others}; nothing was done`, 'Add --yes to do it.');
}

const NONE = 'no such message';

/** What came of it: a fork is another message. */
const nameOf = ({ msgid, made }: DecidedItem): string => String(made ?? msgid);

function columnsOf(out: Output): Column<DecidedItem>[] {
  return [
    { head: 'MSGID', right: true, cell: item => String(item.msgid) },
    { head: 'FLOW', cell: item => cell(item.flow) },
    { head: 'PROJECT', wide: true, cell: item => cell(item.project) },
    { head: 'STATUS', cell: item => styleStatus(out.style, item.status) },
    { head: 'NOTE', cell: item => truncate(item.error === null ? '' : cell(item.error.detail), 90) },
  ];
}

const count = (messages: number): string => (messages === 1 ? '1 message' : `${messages} messages`);
const usage = (reason: string, hint?: string): CoaxError =>
  new CoaxError('COAX_USAGE', reason, hint === undefined ? {} : { hint });
