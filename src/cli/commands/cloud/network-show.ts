import type { NetworkView } from '../../../api/network.ts';
import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';
import { SIMULATED } from './columns.ts';

type Allocation = NonNullable<NetworkView['allocations']>[number];

/** One network and who holds its addresses. */
export const verb = defineVerb({
  examples: [
    ['coax network show default', 'who holds which address'],
    ['coax network show default -o json', 'for a program'],
  ],
  args: [{ name: '<network>', about: 'Name of the network', completes: 'network' }],
  async run(context, [name = '']) {
    const { out } = context;
    const network = await (await context.client()).network(name);
    await out.object(network, network.name, () => {
      out.fields([
        ['name', cell(network.name)],
        ['note', network.simulated ? out.style('yellow', SIMULATED) : null],
        ['cidr', cell(network.cidr)],
        ['gateway', cell(network.gateway)],
        ['mode', cell(network.mode)],
        ['addresses', `${network.addresses.used} used, ${network.addresses.free} free`],
      ]);
      const rows = network.allocations ?? [];
      if (rows.length === 0) return;
      out.line();
      const columns = [
        { head: 'IP', cell: (row: Allocation) => cell(row.ip) },
        { head: 'VM', cell: (row: Allocation) => cell(row.vm) },
        { head: 'MSGID', right: true, cell: (row: Allocation) => cell(row.msgid) },
        { head: 'MAC', cell: (row: Allocation) => cell(row.mac) },
      ];
      for (const line of out.table(rows, columns)) out.line(line);
    });
    return 0;
  },
});
