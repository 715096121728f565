import { resolveMsgid } from '../../input/refs.ts';
import { defineVerb } from '../../verb.ts';
import { decideMany, isForMany, MANY, type ManyOptions } from './bulk/decide-many.ts';
import { afterDecision, type DecisionOptions, REASON, WAIT } from './decision.ts';

/** Turns a message under way back: every step that was done is undone. */
export const verb = defineVerb<DecisionOptions & ManyOptions>({
  examples: [
    ['coax cancel 141592 --reason "ordered twice"', 'undo all that it did so far'],
    ['coax cancel @ --wait', 'the newest message; wait until it is rolled back'],
    ['coax cancel --flow create_vm -l env=test', 'lists what would be cancelled, of many'],
    ['coax cancel --flow create_vm -l env=test --yes -r "tests ended"', 'and does it'],
  ],
  args: [{ name: '[msgid]', about: 'The message; @ is the newest', completes: 'msgid' }],
  options: [REASON, ...MANY, ...WAIT],
  statuses: [
    [0, 'asked; with --wait: rolled back'],
    [1, 'with --wait: it was done before'],
    [2, 'of many: without --yes, when something would be done'],
    [5, 'it is not under way; of many: none is any more'],
  ],
  async run(context, [word], options) {
    const reason = options.reason ?? '';
    if (isForMany(word, options)) return decideMany(context, options, { verb: 'cancel' });
    const client = await context.client();
    const message = await client.cancel(await resolveMsgid(client, word ?? ''), { reason });
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
