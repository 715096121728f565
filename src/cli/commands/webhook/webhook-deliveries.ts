import { defineVerb, wholeNumber } from '../../verb.ts';
import { deliveryColumns } from './webhook-table.ts';

/** Lists what was sent to a webhook, what waits, and what was given up. */
export const verb = defineVerb<{ state?: string; limit: number }>({
  examples: [
    ['coax webhook deliveries wh_1f0a9c3b5d7e2468', 'newest first, with what came of each'],
    ['coax webhook deliveries wh_1f0a9c3b5d7e2468 --state dead', 'the dead letters: what was given up'],
  ],
  details: ['What was delivered is kept for three days, what was given up for a month.'],
  args: [{ name: '<webhook>', about: 'Its id' }],
  options: [
    { flags: '--state <state>', about: 'Only these', choices: ['pending', 'delivered', 'dead'] },
    { flags: '-n, --limit <n>', about: 'At most so many', default: 50, parse: wholeNumber(1) },
  ],
  async run(context, [id = ''], { state, limit }) {
    const { out } = context;
    const { webhooks } = await context.client();
    const list = await webhooks.deliveries(id, { limit, ...(state !== undefined && { state }) });
    await out.list(list, { columns: deliveryColumns(out), name: item => item.id, empty: 'no delivery' });
    return 0;
  },
});
