import type { MessageView } from '../../../../api/message.ts';
import type { Client } from '../../../../client/client.ts';
import { CoaxError, isCoaxError } from '../../../../errors/coax-error.ts';
import { STATUSES } from '../../../../message/message.ts';
import type { Context } from '../../../context.ts';
import { SELECTOR_OPTION } from '../../../input/labels.ts';
import type { VerbOption } from '../../../verb.ts';
import { messageColumns } from '../columns.ts';

/** Which messages are meant when no msgid is given. */
export interface ManyOptions {
  readonly status?: MessageView['status'];
  readonly flow?: string;
  readonly selector?: string;
  readonly yes?: boolean;
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
  { flags: '-y, --yes', about: 'Do it to all of them; without it they are only listed' },
];

/** What is decided about many. */
export interface ManyDeed {
  /** Messages that it can be decided about. */
  readonly statuses: readonly MessageView['status'][];
  /** As in "3 messages would be cancelled". */
  readonly done: string;
  /** Errors: COAX_MESSAGE_STATE for one that meanwhile stands otherwise. */
  act(client: Client, msgid: number): Promise<unknown>;
}

const PAGE = 500;
/** Decisions under way at one time. */
const AT_ONCE = 8;

/** Is it one message, or all that the options name? Errors: COAX_USAGE for both, and for neither. */
export function isForMany(word: string | undefined, { status, flow, selector, yes }: ManyOptions): boolean {
  const many = flow !== undefined || selector !== undefined;
  if (many && word !== undefined)
    throw usage('a msgid and --flow or --selector were given', 'Give one of them.');
  if (!many && word === undefined) throw usage('no message was named', 'Give a msgid, --flow or --selector.');
  if (!many && (status !== undefined || yes)) throw usage('--status and --yes go with --flow or --selector');
  return many;
}

/**
 * Decides about every message that the options name, when `--yes` is given; else lists them, and says so by COAX_USAGE. Those that
 * have moved on meanwhile are counted, not an error. Gives the exit status: 5 when all had moved on.
 */
export async function decideMany(context: Context, options: ManyOptions, deed: ManyDeed): Promise<number> {
  const { out } = context;
  const client = await context.client();
  const found = await messagesOf(client, options, deed.statuses);
  if (options.yes !== true) {
    const columns = messageColumns(out);
    await out.list(
      { items: found },
      { columns, name: ({ msgid }) => String(msgid), empty: 'no such message' },
    );
    if (found.length === 0) return 0;
    throw usage(`${count(found.length)} would be ${deed.done}; nothing was done`, 'Add --yes to do it.');
  }
  const decided: number[] = [];
  const waiting = [...found];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      try {
        await deed.act(client, next.msgid);
        decided.push(next.msgid);
      } catch (error) {
        if (!isCoaxError(error, 'COAX_MESSAGE_STATE') && !isCoaxError(error, 'COAX_MESSAGE_BUILT_ON'))
          throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  decided.sort((a, b) => a - b);
  const left = found.length - decided.length;
  for (const msgid of decided) if (!out.forPeople) out.line(String(msgid));
  if (out.forPeople) out.line(`${deed.done}: ${count(decided.length)}`);
  if (left > 0)
    out.hint(`${count(left)} could not be: they stand otherwise now, or something was built on them`);
  return decided.length === 0 && left > 0 ? 5 : 0;
}

async function messagesOf(
  client: Client,
  { status, flow, selector }: ManyOptions,
  statuses: readonly MessageView['status'][],
): Promise<MessageView[]> {
  const found: MessageView[] = [];
  for (const one of status === undefined ? statuses : [status]) {
    for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
      const page = await client.messages({
        status: one,
        limit: PAGE,
        ...(flow !== undefined && { flow }),
        ...(selector !== undefined && { selector }),
        ...(cursor !== undefined && { cursor }),
      });
      found.push(...page.items);
      cursor = page.next;
    }
  }
  // One that moved on between two lists is in both.
  return [...new Map(found.map(message => [message.msgid, message])).values()];
}

const count = (messages: number): string => (messages === 1 ? '1 message' : `${messages} messages`);
const usage = (reason: string, hint?: string): CoaxError =>
  new CoaxError('COAX_USAGE', reason, hint === undefined ? {} : { hint });
