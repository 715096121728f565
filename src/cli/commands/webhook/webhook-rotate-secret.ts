import { defineVerb } from '../../verb.ts';
import { printWebhook } from './webhook-table.ts';

/** Gives a webhook a new secret. */
export const verb = defineVerb({
  examples: [
    ['coax webhook rotate-secret wh_1f0a9c3b5d7e2468', 'prints the new one; the old one signs too for a day'],
    ['coax webhook rotate-secret wh_1f0a9c3b5d7e2468 -o json', 'for a program'],
  ],
  details: [
    'For a day each event has two signatures, so that the receiver may change its secret at any time in between.',
  ],
  args: [{ name: '<webhook>', about: 'Its id' }],
  async run(context, [id = '']) {
    return printWebhook(context, await (await context.client()).webhooks.rotateSecret(id));
  },
});
