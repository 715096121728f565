import { resolveMsgid } from '../../input/refs.ts';
import { defineVerb } from '../../verb.ts';
import { afterDecision, type DecisionOptions, edits, PARAM, REASON, WAIT } from './decision.ts';

/** Walks a message back to a step, changes parameters, and lets it go forward again. */
export const verb = defineVerb<DecisionOptions & { to: string }>({
  examples: [
    [
      'coax rewind 141592 --to "network alloc_ip" -p network=lab',
      'undo back to that step, then go on with another network',
    ],
    ['coax rewind @ --to 0 -p mem=2048 --reason "too big" --wait', 'all steps again, with less memory'],
  ],
  args: [{ name: '<msgid>', about: 'A message under way or done; @ is the newest', completes: 'msgid' }],
  options: [
    {
      flags: '--to <step>',
      about: 'Index of the step (from 0), or "module action"; it is undone and done again',
      required: true,
    },
    PARAM,
    REASON,
    ...WAIT,
  ],
  statuses: [
    [0, 'asked; with --wait: done'],
    [1, 'with --wait: rolled back'],
    [5, 'it is neither under way nor done'],
    [9, 'with --wait: parked'],
  ],
  async run(context, [word = ''], options) {
    const client = await context.client();
    const msgid = await resolveMsgid(client, word);
    const { parameters } = await client.message(msgid);
    const message = await client.rewind(msgid, {
      to: /^\d+$/.test(options.to) ? Number(options.to) : options.to.replace(/[. ]+/, ' '),
      parameters: edits(options.param, parameters),
      reason: options.reason ?? '',
    });
    return afterDecision(context, client, message, `rewinding to ${options.to}`, options);
  },
});
