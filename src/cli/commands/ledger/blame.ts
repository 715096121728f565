import type { BlameLine } from '../../../api/commit.ts';
import { resolveMsgid, shortId } from '../../input/refs.ts';
import { cell } from '../../output/output.ts';
import { valueText } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';

/** Which step, on which worker, with which code, set each parameter to what it is now. */
export const verb = defineVerb({
  examples: [
    ['coax blame 141592', 'every parameter, and who set it'],
    ['coax blame @ ip', 'one parameter of the newest message'],
  ],
  args: [
    { name: '<msgid>', about: 'The message; @ is the newest', completes: 'msgid' },
    { name: '[name]', about: 'One parameter only' },
  ],
  async run(context, [word = '', name]) {
    const { out } = context;
    const client = await context.client();
    const blame = await client.blame(await resolveMsgid(client, word), name);
    await out.list<BlameLine>(blame, {
      columns: [
        { head: 'COMMIT', cell: line => out.style('yellow', shortId(line.commit)) },
        { head: 'STEP', cell: line => cell(line.step ?? 'accepted') },
        { head: 'WORKER', cell: line => cell(line.worker) },
        { head: 'ACTOR', cell: line => cell(line.actor) },
        { head: 'CODE', wide: true, cell: line => cell(line.code?.slice(0, 10)) },
        { head: out.timeHead('AGE', 'DATE'), right: true, cell: line => out.time(line.finished) },
        { head: 'PARAMETER', cell: line => `${cell(line.name)}=${valueText(line.value, 80)}` },
      ],
      name: line => line.name,
      empty:
        name === undefined
          ? 'it has no parameters'
          : `no parameter is called ${name}; coax blame ${word} lists them`,
    });
    return blame.items.length === 0 && name !== undefined ? 3 : 0;
  },
});
