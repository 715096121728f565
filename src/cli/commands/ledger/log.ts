import type { CommitView } from '../../../api/commit.ts';
import type { MessageView } from '../../../api/message.ts';
import type { Client } from '../../../client/client.ts';
import { resolveMsgid, shortId } from '../../input/refs.ts';
import { changesText, deedOf, styleOutcome } from '../../live/commit-line.ts';
import type { Output } from '../../output/output.ts';
import { styleStatus } from '../../output/style.ts';
import { plain } from '../../output/text.ts';
import { defineVerb, wholeNumber } from '../../verb.ts';
import { changeLines, commitHead, commitTail } from './commit-text.ts';

interface LogOptions {
  readonly oneline?: boolean;
  readonly patch?: boolean;
  readonly limit: number;
  readonly reverse?: boolean;
  readonly graph?: boolean;
}

const PAGE = 1000;

/** A message's commits, newest first. */
export const verb = defineVerb<LogOptions>({
  examples: [
    ['coax log 141592', 'what happened, newest first'],
    ['coax log @ --oneline --reverse', 'the newest message, one line a commit, oldest first'],
    ['coax log @ --oneline --graph', 'with the branches of its groups'],
    ['coax log 141592 -p -n 3', 'the newest 3, with values before and after, and the logs of the steps'],
  ],
  details: [
    '`+name=value` was set and `-name` dropped. "code changed" marks a step whose code was not the one that the message was accepted with.',
  ],
  args: [{ name: '<msgid>', about: 'The message (@ is the newest), or a commit of it', completes: 'msgid' }],
  options: [
    { flags: '--oneline', about: 'One line a commit' },
    { flags: '-p, --patch', about: 'Values before and after, and what the step wrote to its log' },
    { flags: '-n, --limit <n>', about: 'At most so many', default: 100, parse: wholeNumber(1) },
    { flags: '--reverse', about: 'Oldest first' },
    { flags: '--graph', about: 'With the commits of its branches (child messages), drawn beside' },
  ],
  async run(context, [word = ''], options) {
    const { out } = context;
    const client = await context.client();
    const message = await client.message(await resolveMsgid(client, word));
    const { items, next } = options.graph
      ? await family(client, message, options)
      : await fetchCommits(client, message.msgid, options);
    const name = (commit: CommitView) => commit.id;
    if (!out.forPeople) {
      await out.list({ items, ...(next && { next }) }, { columns: [], name, empty: '' });
      return 0;
    }
    const lanes = options.graph ? graphLanes(message, items) : null;
    for (const [index, commit] of items.entries()) {
      const lane = lanes === null ? '' : `${lanes(commit)} `;
      if (options.oneline) out.line(`${lane}${oneLine(commit, message, out)}`);
      else {
        if (index > 0) out.line();
        await printCommit(commit, message, client, out, options.patch === true, lane);
      }
    }
    if (next) out.hint(`… older commits: -n ${options.limit * 10}`);
    return 0;
  },
});

async function fetchCommits(client: Client, msgid: number, { limit, reverse }: LogOptions) {
  const items: CommitView[] = [];
  let next: string | undefined;
  do {
    const order = reverse ? 'oldest' : 'newest';
    const page = await client.commits(msgid, {
      order,
      limit: Math.min(PAGE, limit - items.length),
      ...(next && { cursor: next }),
    });
    items.push(...page.items);
    next = page.next;
  } while (next && items.length < limit);
  return { items, next };
}

/** The commits of a message and of all beneath it, in the order of time. */
async function family(client: Client, message: MessageView, options: LogOptions) {
  const items: CommitView[] = [];
  const left = [message];
  for (let one = left.shift(); one && items.length < options.limit; one = left.shift()) {
    items.push(...(await fetchCommits(client, one.msgid, options)).items);
    for (const child of one.children) left.push(await client.message(child));
  }
  const sign = options.reverse ? 1 : -1;
  items.sort((a, b) => sign * (a.finished - b.finished || a.msgid - b.msgid || a.seq - b.seq));
  return { items: items.slice(0, options.limit), next: items.length > options.limit ? 'more' : undefined };
}

const LANES_MAX = 12;

/** One column a message: `*` where the commit is, `|` where another one has commits before and after. */
function graphLanes(root: MessageView, items: readonly CommitView[]): (commit: CommitView) => string {
  const msgids = [
    root.msgid,
    ...new Set(items.map(item => item.msgid).filter(msgid => msgid !== root.msgid)),
  ];
  const spans = new Map<number, [number, number]>();
  const position = new Map(items.map((item, index) => [item.id, index]));
  for (const [index, item] of items.entries())
    spans.set(item.msgid, [spans.get(item.msgid)?.[0] ?? index, index]);
  return commit => {
    const at = position.get(commit.id) ?? 0;
    return msgids
      .slice(0, LANES_MAX)
      .map(msgid => {
        const [first, last] = spans.get(msgid) ?? [-1, -1];
        return commit.msgid === msgid ? '*' : at > first && at < last ? '|' : ' ';
      })
      .join(' ');
  };
}

function oneLine(commit: CommitView, message: MessageView, out: Output): string {
  return [
    out.style('yellow', shortId(commit.id)),
    commit.msgid === message.msgid ? '' : out.style('dim', String(commit.msgid)),
    decoration(commit, message, out),
    deedOf(commit),
    commit.step === null ? '' : styleOutcome(out.style, commit.outcome),
    commit.attempt > 1 ? `attempt ${commit.attempt}` : '',
    changesText(commit, out.style),
    commit.error ? out.style('red', plain(commit.error.reason)) : '',
    commit.codeChanged ? out.style('yellow', 'code changed') : '',
  ]
    .filter(part => part !== '')
    .join(' ');
}

function decoration(commit: CommitView, message: MessageView, out: Output): string {
  return commit.id === message.head ? `(${styleStatus(out.style, message.status)})` : '';
}

async function printCommit(
  commit: CommitView,
  message: MessageView,
  client: Client,
  out: Output,
  patch: boolean,
  lane: string,
): Promise<void> {
  const lines = commitHead(commit, out, decoration(commit, message, out));
  if (patch) {
    const { before, parameters } = await client.commit(commit.id);
    lines.push(...changeLines(before, parameters, out.style));
  } else {
    for (const text of changesText(commit, out.style).split(/ (?=\u001b\[\d+m[+-]|[+-])/))
      if (text) lines.push(`    ${text}`);
  }
  lines.push(...commitTail(commit, out, patch));
  const follow = lane.replace('*', '|');
  for (const [index, line] of lines.entries()) out.line(`${index === 0 ? lane : follow}${line}`.trimEnd());
}
