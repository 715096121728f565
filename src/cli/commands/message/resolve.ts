import type { ResolveBody } from '../../../api/message.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { RESOLUTIONS } from '../../../message/outcome.ts';
import { resolveMsgid } from '../../input/refs.ts';
import { defineVerb } from '../../verb.ts';
import { afterDecision, type DecisionOptions, edits, PARAM, REASON, WAIT } from './decision.ts';

/** Decides for a parked message. */
export const verb = defineVerb<DecisionOptions>({
  examples: [
    ['coax resolve 141592 retry --reason "switch is back"', 'try the undo again'],
    [
      'coax resolve 141592 undone --reason "removed by hand"',
      'it was undone by hand: go on with the walk back',
    ],
    ['coax resolve 141592 edit -p host=h7 --reason "wrong host"', 'change a parameter, then try again'],
  ],
  details: [
    'A message is parked when an undo failed for good. retry: the undo once more. skip: leave this step as it is and go on undoing the ones before it. edit: change parameters, then retry. undone: a person did it by hand.',
  ],
  args: [
    { name: '<msgid>', about: 'A parked message; @ is the newest message', completes: 'msgid' },
    { name: '<how>', about: 'What to do', choices: RESOLUTIONS },
  ],
  options: [REASON, PARAM, ...WAIT],
  statuses: [
    [0, 'decided; with --wait: rolled back'],
    [5, 'it is not parked'],
    [9, 'with --wait: parked again'],
  ],
  async run(context, [word = '', how = ''], options) {
    if (!options.reason) {
      throw new CoaxError('COAX_USAGE', 'a decision needs a reason', {
        where: '--reason',
        hint: `coax resolve ${word} ${how} --reason "…"`,
      });
    }
    if (options.param && how !== 'edit') {
      throw new CoaxError('COAX_USAGE', `${how} changes no parameter`, {
        where: '-p',
        hint: 'Say `edit` to change parameters.',
      });
    }
    const client = await context.client();
    const msgid = await resolveMsgid(client, word);
    const { parameters } = await client.message(msgid);
    const body: ResolveBody = { how: how as ResolveBody['how'], reason: options.reason };
    if (options.param) body.parameters = edits(options.param, parameters);
    return afterDecision(
      context,
      client,
      await client.resolve(msgid, body),
      `${how}: the walk back goes on`,
      options,
      'rolled_back',
    );
  },
});
