import { resolveMsgid } from '../../input/refs.ts';
import { defineVerb } from '../../verb.ts';
import { decideMany, isForMany, MANY, MANY_STATUSES, type ManyOptions } from './bulk/decide-many.ts';
import { afterDecision, changes, type DecisionOptions, edits, PARAM, REASON, WAIT } from './decision.ts';

/** Walks a message back to a step, changes parameters, and lets it go forward again. */
export const verb = defineVerb<DecisionOptions & ManyOptions & { to: string }>({
  examples: [
    [
      'coax rewind 141592 --to "network alloc_ip" -p network=lab',
      'undo back to that step, then go on with another network',
    ],
    ['coax rewind @ --to 0 -p mem=2048 --reason "too big" --wait', 'all steps again, with less memory'],
    ['coax rewind -l wave=3 --to "network alloc_ip" -p network=lab', 'lists what would be rewound, of many'],
  ],
  args: [{ name: '[msgid]', about: 'A message under way or done; @ is the newest', completes: 'msgid' }],
  options: [
    {
      flags: '--to <step>',
      about: 'Index of the step (from 0), or "module action"; it is undone and done again',
      required: true,
    },
    PARAM,
    REASON,
    ...MANY,
    ...WAIT,
  ],
  statuses: [
    [0, 'asked; with --wait: done'],
    [1, 'with --wait: rolled back'],
    ...MANY_STATUSES,
    [5, 'it is neither under way nor done'],
    [9, 'with --wait: parked'],
  ],
  async run(context, [word], options) {
    const to = /^\d+$/.test(options.to) ? Number(options.to) : options.to.replace(/[. ]+/, ' ');
    if (isForMany(word, options))
      return decideMany(context, options, { verb: 'rewind', to, ...changes(options) });
    const client = await context.client();
    const msgid = await resolveMsgid(client, word ?? '');
    const { parameters } = await client.message(msgid);
    const message = await client.rewind(msgid, {
      to,
      parameters: edits(options.param, parameters),
      reason: options.reason ?? '',
    });
    return afterDecision(context, client, message, `rewinding to ${options.to}`, options);
  },
});
