import { resolveMsgid } from '../../input/refs.ts';
import { follow } from '../../live/follow.ts';
import { defineVerb, lengthOfTime } from '../../verb.ts';

/** What a wait ends with; a promise to scripts. */
export const WAIT_STATUSES = [
  [0, 'done'],
  [1, 'rolled back'],
  [8, 'not ended at --timeout; it goes on'],
  [9, 'parked: a person must decide'],
  [11, 'done, but branches of a group failed, as it tolerates'],
  [130, 'interrupted by Ctrl-C; it goes on'],
] as const;

/** Waits until a message rests. */
export const verb = defineVerb<{ timeout?: number }>({
  examples: [
    ['coax wait 141592', 'look on until it is done, rolled back or parked'],
    ['coax wait @ --timeout 5m -o json', 'the newest message; at most five minutes'],
  ],
  args: [{ name: '<msgid>', about: 'The message; @ is the newest', completes: 'msgid' }],
  options: [
    {
      flags: '--timeout <time>',
      about: 'Stop waiting after so long (30s, 5m); the message goes on',
      parse: lengthOfTime,
    },
  ],
  statuses: WAIT_STATUSES,
  async run(context, [word = ''], { timeout }) {
    const client = await context.client();
    return follow(
      client,
      await resolveMsgid(client, word),
      context.out,
      timeout === undefined ? {} : { timeoutMs: timeout },
    );
  },
});
