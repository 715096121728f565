import type { WorkerView } from '../../../api/system.ts';
import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';

/** Lists living workers and the addresses they serve. */
export const verb = defineVerb({
  examples: [
    ['coax workers', 'who serves what'],
    ['coax workers -o json', 'for a program'],
  ],
  async run(context) {
    const { out } = context;
    const list = await (await context.client()).workers();
    await out.list<WorkerView>(list, {
      columns: [
        { head: 'NAME', cell: worker => cell(worker.name) },
        { head: 'KIND', cell: worker => worker.kind },
        { head: 'STEPS', right: true, cell: worker => String(worker.claims) },
        { head: 'SEEN', right: true, cell: worker => (worker.seen === null ? '' : out.time(worker.seen)) },
        { head: 'SERVES', cell: worker => worker.addresses.map(cell).join(' ') },
      ],
      name: worker => worker.name,
      empty: 'no worker; messages wait until one comes',
    });
    return 0;
  },
});
