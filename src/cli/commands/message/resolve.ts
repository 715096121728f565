import type { ResolveBody } from '../../../api/message.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { RESOLUTIONS } from '../../../message/outcome.ts';
import { resolveMsgid } from '../../input/refs.ts';
import { defineVerb } from '../../verb.ts';
import { decideMany, isForMany, MANY, MANY_STATUSES, type ManyOptions } from './bulk/decide-many.ts';
import { afterDecision, changes, type DecisionOptions, edits, PARAM, REASON, WAIT } from './decision.ts';

/** Decides for a parked message. */
export const verb = defineVerb<DecisionOptions & ManyOptions>({
  examples: [
    ['coax resolve 141592 retry --reason "switch is back"', 'try the undo again'],
    [
      'coax resolve 141592 undone --reason "removed by hand"',
      'it was undone by hand: go on with the walk back',
    ],
    ['coax resolve 141592 edit -p host=h7 --reason "wrong host"', 'change a parameter, then try again'],
    ['coax resolve retry -l rack=7 --yes --reason "switch is back"', 'every parked one with that label'],
  ],
  details: [
    'A message is parked when an undo failed for good. retry: the undo once more. skip: leave this step as it is and go on undoing the ones before it. edit: change parameters, then retry. undone: a person did it by hand.',
  ],
  args: [
    {
      name: '<msgid>',
      about: 'A parked message; @ is the newest message. Of many: what to do',
      completes: 'msgid',
    },
    { name: '[how]', about: 'What to do: retry, skip, edit, undone', choices: RESOLUTIONS },
  ],
  options: [REASON, PARAM, ...MANY, ...WAIT],
  statuses: [
    [0, 'decided; with --wait: rolled back'],
    ...MANY_STATUSES,
    [5, 'it is not parked'],
    [9, 'with --wait: parked again'],
  ],
  async run(context, words, options) {
    const { word, how } = meant(words, options);
    if (options.param && how !== 'edit') {
      throw new CoaxError('COAX_USAGE', `${how} changes no parameter`, {
        where: '-p',
        hint: 'Say `edit` to change parameters.',
      });
    }
    if (word === null) return decideMany(context, options, { verb: 'resolve', how, ...changes(options) });
    if (!options.reason) {
      throw new CoaxError('COAX_USAGE', 'a decision needs a reason', {
        where: '--reason',
        hint: `coax resolve ${word} ${how} --reason "…"`,
      });
    }
    const client = await context.client();
    const msgid = await resolveMsgid(client, word);
    const { parameters } = await client.message(msgid);
    const body: ResolveBody = { how, reason: options.reason };
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

type How = ResolveBody['how'];

/** `MSGID HOW`, or of many `HOW` alone; the word is null then. Errors: COAX_USAGE. */
function meant(words: readonly string[], options: ManyOptions): { word: string | null; how: How } {
  const [first, second] = words;
  const alone = second === undefined && isHow(first);
  const many = isForMany(alone ? undefined : (first ?? ''), options);
  const how = many ? first : second;
  if (isHow(how)) return { word: many ? null : (first ?? ''), how };
  throw new CoaxError('COAX_USAGE', 'it was not said what to do', {
    hint: `Say one of ${RESOLUTIONS.join(', ')}.`,
  });
}

const isHow = (word: string | undefined): word is How => RESOLUTIONS.some(one => one === word);
