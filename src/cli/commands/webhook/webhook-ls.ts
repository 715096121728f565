import { everyPage } from '../../../client/every-page.ts';
import { defineVerb } from '../../verb.ts';
import { webhookColumns } from './webhook-table.ts';

/** Lists webhooks. */
export const verb = defineVerb({
  examples: [
    ['coax webhook ls', 'all that your token shows'],
    ['coax webhook ls --project web', 'those of one project'],
  ],
  async run(context) {
    const { out } = context;
    const { webhooks } = await context.client();
    const list = await everyPage(query => webhooks.list(query));
    await out.list(list, { columns: webhookColumns(out), name: webhook => webhook.id, empty: 'no webhook' });
    return 0;
  },
});
