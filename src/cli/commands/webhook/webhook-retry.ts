import { plural } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';

/** Sends dead letters once more. */
export const verb = defineVerb({
  examples: [
    ['coax webhook retry wh_1f0a9c3b5d7e2468', 'all that was given up, from the first attempt on'],
    [
      'coax webhook retry wh_1f0a9c3b5d7e2468 DELIVERY',
      'one delivery of `coax webhook deliveries --state dead`',
    ],
  ],
  args: [
    { name: '<webhook>', about: 'Its id' },
    { name: '[delivery]', about: 'Id of a dead delivery; all of them if absent' },
  ],
  async run(context, [id = '', delivery]) {
    const answer = await (await context.client()).webhooks.retry(id, delivery);
    await context.out.object(answer, String(answer.retried), () =>
      context.out.line(`${plural(answer.retried, 'delivery', 'deliveries')} will be sent again`),
    );
    return 0;
  },
});
