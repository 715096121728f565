import { resolveMsgid } from '../../input/refs.ts';
import { defineVerb } from '../../verb.ts';
import { afterDecision, type DecisionOptions, REASON, WAIT } from './decision.ts';

/** Approves or rejects what waits for a person. */
export const verb = defineVerb<DecisionOptions & { reject?: boolean }>({
  examples: [
    ['coax approve 141592 --reason "canaries are fine"', 'the next wave begins'],
    ['coax approve 141592 --reject --reason "too slow"', 'all that was done is undone'],
  ],
  details: [
    'A flow waits for a person at a step `approval give`. The message that is named, or the first one beneath it that waits, goes on at once.',
  ],
  args: [{ name: '<msgid>', about: 'A message; @ is the newest message', completes: 'msgid' }],
  options: [{ flags: '--reject', about: 'Say no: the message is rolled back' }, REASON, ...WAIT],
  statuses: [[5, 'nothing there waits for a person']],
  async run(context, [word = ''], options) {
    const { reject = false, reason = '' } = options;
    const client = await context.client();
    const msgid = await resolveMsgid(client, word);
    await client.approve(msgid, { reason, reject });
    const said = reject ? 'rejected: what was done is undone' : 'approved: it goes on';
    return afterDecision(
      context,
      client,
      await client.message(msgid),
      said,
      options,
      reject ? 'rolled_back' : 'done',
    );
  },
});
