import { resolveCommit, shortId } from '../../input/refs.ts';
import { defineVerb } from '../../verb.ts';
import { decideMany, isForMany, MANY, MANY_STATUSES, type ManyOptions } from './bulk/decide-many.ts';
import { afterDecision, changes, type DecisionOptions, edits, PARAM, REASON, WAIT } from './decision.ts';

/** Starts a new message from the state that another had right after a commit. */
export const verb = defineVerb<DecisionOptions & ManyOptions>({
  examples: [
    ['coax fork 141592~1 -p mem=8192 --wait', 'from the state before its newest commit, with more memory'],
    ['coax fork 9f2c1ab04e -p host=h7', 'from one commit, with another host'],
    ['coax fork --flow create_vm -l wave=3 -p mem=512', 'lists what would be started again, of many'],
  ],
  details: [
    "Steps done before the commit are not done again and stay the first message's: rolling the fork back does not undo them.",
    'Of many: each that was rolled back (or, with --status done, was done) is started again from its first commit.',
  ],
  args: [{ name: '[commit]', about: 'First digits of a commit id, MSGID, or MSGID~N' }],
  options: [PARAM, REASON, ...MANY, ...WAIT],
  statuses: [
    [0, 'started; with --wait: done'],
    [1, 'with --wait: rolled back'],
    ...MANY_STATUSES,
    [9, 'with --wait: parked'],
  ],
  async run(context, [word], options) {
    if (isForMany(word, options)) return decideMany(context, options, { verb: 'fork', ...changes(options) });
    const client = await context.client();
    const { commit, parameters } = await resolveCommit(client, word ?? '');
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
