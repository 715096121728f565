import type { WhyView } from '../../../api/message.ts';
import { resolveMsgid } from '../../input/refs.ts';
import type { Output } from '../../output/output.ts';
import { styleStatus } from '../../output/style.ts';
import { plain } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';
import { printCandidates, printFilters } from '../placement/placement-tables.ts';

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
  printFilters(out, why.filters);
  printCandidates(out, why.candidates, why.host);
}

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
