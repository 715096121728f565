import { SELECTOR_OPTION } from '../../input/labels.ts';
import { defineVerb } from '../../verb.ts';
import { vmColumns } from './columns.ts';

/** Lists VMs. */
export const verb = defineVerb<{ readonly selector?: string }>({
  examples: [
    ['coax vm ls', 'all VMs'],
    ['coax vm ls -l env=prod', 'by the labels of the messages that made them'],
    ['coax vm ls -o wide', 'with all columns and exact times'],
  ],
  options: [SELECTOR_OPTION],
  async run(context, _args, { selector }) {
    const { out } = context;
    const list = await (await context.client()).vms(selector === undefined ? {} : { selector });
    await out.list(list, {
      columns: vmColumns(out),
      name: item => item.name,
      empty: selector ? `no VM with labels ${selector}` : 'no VM; coax run create_vm cpu=1 mem=512 makes one',
    });
    return 0;
  },
});
