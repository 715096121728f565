import { resolveCommit, shortId } from '../../input/refs.ts';
import { defineVerb } from '../../verb.ts';
import { afterDecision, type DecisionOptions, edits, PARAM, REASON, WAIT } from './decision.ts';

/** Starts a new message from the state that another had right after a commit. */
export const verb = defineVerb<DecisionOptions>({
  examples: [
    ['coax fork 141592~1 -p mem=8192 --wait', 'from the state before its newest commit, with more memory'],
    ['coax fork 9f2c1ab04e -p host=h7', 'from one commit, with another host'],
  ],
  details: [
    "Steps done before the commit are not done again and stay the first message's: rolling the fork back does not undo them.",
  ],
  args: [{ name: '<commit>', about: 'First digits of a commit id, MSGID, or MSGID~N' }],
  options: [PARAM, REASON, ...WAIT],
  statuses: [
    [0, 'started; with --wait: done'],
    [1, 'with --wait: rolled back'],
    [9, 'with --wait: parked'],
  ],
  async run(context, [word = ''], options) {
    const client = await context.client();
    const { commit, parameters } = await resolveCommit(client, word);
    const message = await client.fork(commit.id, {
      parameters: edits(options.param, parameters),
      reason: options.reason ?? '',
    });
    return afterDecision(
      context,
      client,
      message,
      `forked from ${shortId(commit.id)} of message ${commit.msgid}`,
      options,
    );
  },
});
