import { defineVerb } from '../../verb.ts';
import { vmColumns } from './columns.ts';

/** Lists VMs. */
export const verb = defineVerb({
  examples: [
    ['coax vm ls', 'all VMs'],
    ['coax vm ls -o wide', 'with all columns and exact times'],
  ],
  async run(context) {
    const { out } = context;
    const list = await (await context.client()).vms();
    await out.list(list, {
      columns: vmColumns(out),
      name: item => item.name,
      empty: 'no VM; coax run create_vm cpu=1 mem=512 makes one',
    });
    return 0;
  },
});
