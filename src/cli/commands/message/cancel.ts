import { resolveMsgid } from '../../input/refs.ts';
import { defineVerb } from '../../verb.ts';
import { afterDecision, type DecisionOptions, REASON, WAIT } from './decision.ts';

/** Turns a message under way back: every step that was done is undone. */
export const verb = defineVerb<DecisionOptions>({
  examples: [
    ['coax cancel 141592 --reason "ordered twice"', 'undo all that it did so far'],
    ['coax cancel @ --wait', 'the newest message; wait until it is rolled back'],
  ],
  args: [{ name: '<msgid>', about: 'The message; @ is the newest', completes: 'msgid' }],
  options: [REASON, ...WAIT],
  statuses: [
    [0, 'asked; with --wait: rolled back'],
    [1, 'with --wait: it was done before'],
    [5, 'it is not under way'],
  ],
  async run(context, [word = ''], options) {
    const client = await context.client();
    const message = await client.cancel(await resolveMsgid(client, word), { reason: options.reason ?? '' });
    return afterDecision(
      context,
      client,
      message,
      'cancelled: its steps are being undone',
      options,
      'rolled_back',
    );
  },
});
