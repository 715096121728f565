import { resolveMsgid } from '../../input/refs.ts';
import { defineVerb } from '../../verb.ts';
import { decideMany, isForMany, MANY, type ManyOptions } from './bulk/decide-many.ts';
import { afterDecision, type DecisionOptions, REASON, WAIT } from './decision.ts';

/** Walks a finished message back from its end. */
export const verb = defineVerb<DecisionOptions & ManyOptions & { force?: boolean }>({
  examples: [
    ['coax revert 141592 --reason "no longer needed"', 'undo every step of a finished message'],
    ['coax revert 141592 --wait', 'and wait until that is done'],
    ['coax revert --flow create_vm -l env=test --yes -r "tests ended"', 'every finished one with that label'],
  ],
  details: ['Refused when something later was built on it, unless --force.'],
  args: [{ name: '[msgid]', about: 'A message that is done; @ is the newest', completes: 'msgid' }],
  options: [REASON, { flags: '--force', about: 'Even if something later was built on it' }, ...MANY, ...WAIT],
  statuses: [
    [0, 'asked; with --wait: rolled back'],
    [2, 'of many: without --yes, when something would be done'],
    [5, 'it is not done, or something was built on it'],
    [9, 'with --wait: parked'],
  ],
  async run(context, [word], options) {
    const body = { reason: options.reason ?? '', force: options.force ?? false };
    if (isForMany(word, options)) return decideMany(context, options, { verb: 'revert', force: body.force });
    const client = await context.client();
    const message = await client.revert(await resolveMsgid(client, word ?? ''), body);
    return afterDecision(
      context,
      client,
      message,
      'reverting: its steps are being undone',
      options,
      'rolled_back',
    );
  },
});
