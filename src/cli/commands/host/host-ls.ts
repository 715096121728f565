import { everyPage } from '../../../client/every-page.ts';
import { SELECTOR_OPTION } from '../../input/labels.ts';
import { defineVerb } from '../../verb.ts';
import { hostColumns } from '../cloud/columns.ts';

/** Lists hosts. */
export const verb = defineVerb<{ readonly selector?: string }>({
  examples: [
    ['coax host ls', 'all hosts'],
    ['coax host ls -l disk=ssd,zone!=b', 'by labels, zone and rack'],
    ['coax host ls -o wide', 'with all columns and exact times'],
  ],
  options: [SELECTOR_OPTION],
  async run(context, _args, { selector }) {
    const { out } = context;
    const client = await context.client();
    const list = await everyPage(query => client.hosts({ ...query, selector }));
    await out.list(list, { columns: hostColumns(out), name: item => item.name, empty: 'no host' });
    return 0;
  },
});
