import { everyPage } from '../../../client/every-page.ts';
import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';
import { memory } from '../cloud/columns.ts';

/** Lists reservations. */
export const verb = defineVerb({
  examples: [
    ['coax reservation ls', 'what is held, and how much of it is free'],
    ['coax reservation ls -o json', 'for a program'],
  ],
  async run(context) {
    const { out } = context;
    const client = await context.client();
    const list = await everyPage(query => client.reservations(query));
    await out.list(list, {
      columns: [
        { head: 'NAME', cell: row => cell(row.name) },
        { head: 'FREE', right: true, cell: row => `${row.free}/${row.places}` },
        { head: 'CPU', right: true, cell: row => cell(row.cpu) },
        { head: 'MEM', right: true, cell: row => memory(row.memMib) },
        { head: 'STATE', cell: row => row.state },
        { head: 'UNTIL', cell: row => (row.until === null ? '' : out.timeLeft(row.until)) },
        { head: 'MSGID', right: true, cell: row => cell(row.msgid) },
        { head: out.timeHead('AGE', 'CREATED'), right: true, cell: row => out.time(row.created) },
      ],
      name: row => row.name,
      empty: 'no reservation',
    });
    return 0;
  },
});
