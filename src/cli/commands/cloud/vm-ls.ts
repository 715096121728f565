import { everyPage } from '../../../client/every-page.ts';
import { SELECTOR_OPTION } from '../../input/labels.ts';
import { defineVerb } from '../../verb.ts';
import { vmColumns } from './columns.ts';

/** Lists VMs. */
export const verb = defineVerb<{ readonly selector?: string; readonly find?: string }>({
  examples: [
    ['coax vm ls', 'all VMs'],
    ['coax vm ls -l env=prod', 'by the labels of the messages that made them'],
    ['coax vm ls --find 10.77.0', 'by a part of the name, the host or the address'],
    ['coax vm ls -o wide', 'with all columns and exact times'],
  ],
  options: [
    SELECTOR_OPTION,
    { flags: '--find <text>', about: 'Only those whose name, host or address holds this' },
  ],
  async run(context, _args, { selector, find }) {
    const { out } = context;
    const client = await context.client();
    const list = await everyPage(query => client.vms({ ...query, selector, find }));
    await out.list(list, {
      columns: vmColumns(out),
      name: item => item.name,
      empty: selector || find ? 'no VM fits' : 'no VM; coax run create_vm cpu=1 mem=512 makes one',
    });
    return 0;
  },
});
