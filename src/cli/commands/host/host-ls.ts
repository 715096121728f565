import { defineVerb } from '../../verb.ts';
import { hostColumns } from '../cloud/columns.ts';

/** Lists hosts. */
export const verb = defineVerb({
  examples: [
    ['coax host ls', 'all hosts'],
    ['coax host ls -o wide', 'with all columns and exact times'],
  ],
  async run(context) {
    const { out } = context;
    const list = await (await context.client()).hosts();
    await out.list(list, { columns: hostColumns(out), name: item => item.name, empty: 'no host' });
    return 0;
  },
});
