import { defineVerb } from '../../verb.ts';
import { printWebhook } from './webhook-table.ts';

/** Shows one webhook. */
export const verb = defineVerb({
  examples: [
    ['coax webhook show wh_1f0a9c3b5d7e2468', 'where it sends what, and why it is disabled if it is'],
    ['coax webhook show wh_1f0a9c3b5d7e2468 -o json', 'for a program'],
  ],
  args: [{ name: '<webhook>', about: 'Its id' }],
  async run(context, [id = '']) {
    return printWebhook(context, await (await context.client()).webhooks.show(id));
  },
});
