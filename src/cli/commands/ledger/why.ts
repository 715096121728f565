import type { WhyView } from '../../../api/message.ts';
import { resolveMsgid } from '../../input/refs.ts';
import { cell, type Output } from '../../output/output.ts';
import { styleStatus } from '../../output/style.ts';
import { plain, valueText } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';

/** Why its host was chosen, or none; and why it waits, while it waits. */
export const verb = defineVerb({
  examples: [
    ['coax why 141592', 'what each filter removed, and why the winner won'],
    ['coax why @ -o json', 'the newest message, all of it'],
  ],
  args: [{ name: '<msgid>', about: 'The message; @ is the newest', completes: 'msgid' }],
  async run(context, [word = '']) {
    const { out } = context;
    const client = await context.client();
    const why = await client.why(await resolveMsgid(client, word));
    await out.object(why, why.host ?? '', () => printWhy(out, why));
    return 0;
  },
});

function printWhy(out: Output, why: WhyView): void {
  const step = why.step === null ? '' : `  ${plain(why.step)}`;
  out.line(`${out.style('bold', String(why.msgid))}  ${styleStatus(out.style, why.status)}${step}`);
  out.line(plain(why.reason));
  if (why.waiting) printWaiting(out, why.waiting);
  if (why.filters.length > 0) {
    out.line();
    const columns = [
      { head: 'FILTER', cell: (row: WhyView['filters'][number]) => cell(row.name) },
      {
        head: 'BEFORE',
        right: true,
        cell: (row: WhyView['filters'][number]) => row.before.toLocaleString('en'),
      },
      { head: 'REMOVED', right: true, cell: removed(out) },
      {
        head: 'AFTER',
        right: true,
        cell: (row: WhyView['filters'][number]) => row.after.toLocaleString('en'),
      },
      {
        head: 'FOR EXAMPLE',
        cell: (row: WhyView['filters'][number]) =>
          row.examples
            .slice(0, out.format === 'wide' ? 9 : 1)
            .map(exampleText)
            .join('; '),
      },
    ];
    for (const line of out.table(why.filters, columns)) out.line(line);
  }
  if (why.candidates.length > 0) printCandidates(out, why);
}

const removed = (out: Output) => (row: WhyView['filters'][number]) =>
  row.removed === 0 ? '0' : out.style('yellow', row.removed.toLocaleString('en'));

function printWaiting(out: Output, waiting: NonNullable<WhyView['waiting']>): void {
  out.fields([
    [
      'address',
      waiting.address &&
        `${plain(waiting.address)}${waiting.served ? '' : out.style('red', '  no worker serves it')}`,
    ],
    ['worker', waiting.worker && plain(waiting.worker)],
    ['until', waiting.until && out.time(waiting.until)],
  ]);
}

function exampleText(example: unknown): string {
  if (typeof example !== 'object' || example === null || !('host' in example)) return valueText(example, 80);
  return 'reason' in example
    ? `${plain(String(example.host))}: ${plain(String(example.reason))}`
    : plain(String(example.host));
}

interface Candidate {
  readonly host: string;
  readonly score: number;
  readonly parts?: Readonly<Record<string, number>>;
}

function printCandidates(out: Output, why: WhyView): void {
  const candidates = why.candidates as readonly Candidate[];
  const parts = Object.keys(candidates[0]?.parts ?? {});
  out.line();
  const columns = [
    { head: 'CANDIDATE', cell: (row: Candidate) => cell(row.host) },
    { head: 'SCORE', right: true, cell: (row: Candidate) => row.score.toFixed(3) },
    ...parts.map(name => ({
      head: name.toUpperCase(),
      right: true,
      cell: (row: Candidate) => (row.parts?.[name] ?? 0).toFixed(3),
    })),
    { head: '', cell: (row: Candidate) => (row.host === why.host ? out.style('green', '← won') : '') },
  ];
  for (const line of out.table(candidates, columns)) out.line(line);
}
