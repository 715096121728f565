import { everyPage } from '../../../client/every-page.ts';
import { defineVerb } from '../../verb.ts';
import { networkColumns } from './columns.ts';

/** Lists networks. */
export const verb = defineVerb({
  examples: [
    ['coax network ls', 'all networks'],
    ['coax network ls -o wide', 'with all columns and exact times'],
  ],
  async run(context) {
    const { out } = context;
    const client = await context.client();
    const list = await everyPage(query => client.networks(query));
    await out.list(list, { columns: networkColumns(out), name: item => item.name, empty: 'no network' });
    return 0;
  },
});
