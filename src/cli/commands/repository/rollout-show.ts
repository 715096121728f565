import { resolveMsgid } from '../../input/refs.ts';
import { defineVerb } from '../../verb.ts';
import { printRollout } from './rollout-text.ts';

/** Shows how far a rollout is. */
export const verb = defineVerb({
  examples: [
    ['coax rollout show 141592', 'its waves, and the hosts that failed'],
    ['coax rollout show @ -o json', 'the newest message, for a program'],
  ],
  args: [{ name: '<msgid>', about: 'The message of a rollout; @ is the newest message', completes: 'msgid' }],
  async run({ out, client }, [word = '']) {
    const calls = await client();
    const view = await calls.packages.rollout(await resolveMsgid(calls, word));
    await out.object(view, String(view.msgid), () => printRollout(out, view));
    return 0;
  },
});
