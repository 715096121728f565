import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';
import { memory } from '../cloud/columns.ts';
import { findReservation } from './find-reservation.ts';

/** One reservation: where its places are, and which VMs have some. */
export const verb = defineVerb({
  examples: [
    ['coax reservation show black-friday', 'where its places are, and who has taken some'],
    ['coax reservation show black-friday -o json', 'for a program'],
  ],
  args: [{ name: '<name>', about: 'Name of the reservation' }],
  async run(context, [name = '']) {
    const { out } = context;
    const found = await findReservation(await context.client(), name);
    await out.object(found, found.name, () =>
      out.fields([
        ['name', cell(found.name)],
        [
          'places',
          `${found.free} free of ${found.places}, each ${found.cpu} CPU and ${memory(found.memMib)}`,
        ],
        ['state', found.state],
        ['until', found.until === null ? 'it is given up' : out.timeLeft(found.until)],
        ['hosts', found.hosts.map(({ host, free }) => `${cell(host)} (${free})`).join(' ')],
        ['vms', found.vms.map(vm => `${cell(vm.name)} on ${cell(vm.host)}`).join(', ')],
        ['message', String(found.msgid)],
        ['created', out.time(found.created)],
      ]),
    );
    return 0;
  },
});
