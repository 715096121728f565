import type { MessageView } from '../../../api/message.ts';
import type { Client } from '../../../client/client.ts';
import { parseSelector, selects } from '../../../message/carried/selector.ts';
import { STATUSES } from '../../../message/message.ts';
import type { Context } from '../../context.ts';
import { SELECTOR_OPTION } from '../../input/labels.ts';
import { Screen } from '../../live/screen.ts';
import { truncateStyled } from '../../output/text.ts';
import { defineVerb, wholeNumber } from '../../verb.ts';
import { messageColumns } from './columns.ts';

interface LsOptions {
  readonly status?: MessageView['status'];
  readonly flow?: string;
  readonly selector?: string;
  readonly limit: number;
  readonly all?: boolean;
  readonly watch?: boolean;
  readonly approval?: boolean;
  readonly children?: boolean;
  readonly archived?: boolean;
}

const PAGE = 1000;

/** Lists messages, newest first. */
export const verb = defineVerb<LsOptions>({
  examples: [
    ['coax ls', 'the newest messages'],
    ['coax ls --status parked', 'what needs a person'],
    ['coax ls --approval', 'what waits for a person to approve'],
    ['coax ls --flow create_vm --all -o name', 'every msgid of one flow'],
    ['coax ls -l env=prod,tier!=web', 'by labels'],
    ['coax ls --watch', 'as it changes'],
  ],
  options: [
    {
      flags: '-s, --status <status>',
      about: 'Only with this status',
      choices: STATUSES,
      completes: 'status',
    },
    { flags: '-f, --flow <flow>', about: 'Only of this flow', completes: 'flow' },
    SELECTOR_OPTION,
    { flags: '-n, --limit <n>', about: 'At most so many', default: 20, parse: wholeNumber(1) },
    { flags: '-a, --all', about: 'Every one' },
    { flags: '--approval', about: 'Only what waits for a person to approve, branches of groups too' },
    { flags: '--children', about: 'The branches of groups too' },
    { flags: '--archived', about: 'Those that were moved to archive files' },
    { flags: '--watch', about: 'List again whenever something changes; Ctrl-C ends it' },
  ],
  async run(context, _args, options) {
    const client = await context.client();
    if (options.watch) return watchList(context, client, options);
    const { out } = context;
    const page = await fetchMessages(client, options);
    const filters = [
      options.status && `status ${options.status}`,
      options.flow && `flow ${options.flow}`,
      options.approval && 'an approval to give',
      options.selector && `labels ${options.selector}`,
    ].filter(Boolean);
    await out.list(page, {
      columns: messageColumns(out),
      name: message => String(message.msgid),
      empty:
        filters.length > 0
          ? `no message with ${filters.join(' and ')}`
          : 'no message yet; coax run FLOW name=value … submits one',
    });
    if (page.next && out.forPeople) out.hint(`… more: -n ${options.limit * 5}, or --all`);
    return 0;
  },
});

async function fetchMessages(client: Client, options: LsOptions) {
  const { status, flow, selector, limit, all, approval, archived } = options;
  const children = options.children || approval;
  const filter = {
    ...(status && { status }),
    ...(flow && { flow }),
    ...(selector && { selector }),
    ...(approval && { approval }),
    ...(children && { children }),
    ...(archived && { archived }),
  };
  const items: MessageView[] = [];
  let next: string | undefined;
  do {
    const wanted = all ? PAGE : Math.min(PAGE, limit - items.length);
    const page = await client.messages({ ...filter, limit: wanted, ...(next && { cursor: next }) });
    items.push(...page.items);
    next = page.next;
  } while (next && (all || items.length < limit));
  return { items, ...(next && { next }) };
}

async function watchList({ out }: Context, client: Client, options: LsOptions): Promise<number> {
  const terminal = out.stdout as NodeJS.WriteStream;
  if (!terminal.isTTY || !out.forPeople) return streamList({ out }, client, options);
  const screen = new Screen(terminal);
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  try {
    while (!interrupt.signal.aborted) {
      const { columns, rows } = screen.size;
      const { items } = await fetchMessages(client, {
        ...options,
        limit: Math.min(options.limit, Math.max(1, rows - 3)),
        all: false,
      });
      const lines = items.length === 0 ? ['no message'] : out.table(items, messageColumns(out), columns);
      screen.draw(lines.map(line => truncateStyled(line, columns)));
      await pause(500, interrupt.signal);
    }
    return 0;
  } finally {
    screen.close();
  }
}

/** For a pipe: each message that changed, as it changes, one JSON object (or table line) a line. */
async function streamList(
  { out }: Pick<Context, 'out'>,
  client: Client,
  { status, flow, approval, selector = '' }: LsOptions,
): Promise<number> {
  const wanted = parseSelector(selector);
  for await (const event of client.events()) {
    if (event.type === 'gap') continue;
    const { message } = event;
    if ((status && message.status !== status) || (flow && message.flow !== flow)) continue;
    if (approval && message.waitingFor !== 'a person') continue;
    if (!selects(wanted, message.labels)) continue;
    out.line(
      out.forPeople ? `${message.msgid}  ${message.flow}  ${message.status}` : JSON.stringify(message),
    );
  }
  return 0;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms);
    const onAbort = () => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
