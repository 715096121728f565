import { dirname } from 'node:path';
import { progressLine } from '../../live/progress-line.ts';
import { plain, plural } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';

const DOING = { copy: 'copied', compare: 'compared', verify: 'verifying' };
const LINE_MS = 5000;

/** Moves a whole installation's state from one database to another. */
export const verb = defineVerb({
  examples: [
    ['coax store copy sqlite:/var/lib/coax postgres://coax@db/coax', 'from one machine to PostgreSQL'],
    ['coax store copy postgres://coax@db/coax sqlite:/var/lib/coax', 'and back, or for a backup'],
  ],
  details: [
    'Both ends must be stopped, and TO must be empty. FROM is only read. TO is compared row by row with what was read and checked by fsck, and nothing of it is seen before that is done.',
    'Steps that were under way go on when a server is started on TO. What lies beside the database in a data directory (token, disks of VMs, archives) stays where it is.',
  ],
  args: [
    { name: '<from>', about: 'sqlite:DATA_DIR, sqlite:FILE.db or postgres://…' },
    { name: '<to>', about: 'the same; empty' },
  ],
  statuses: [
    [0, 'copied, equal, and verified'],
    [5, 'a server uses one of them, or TO is not empty'],
    [10, 'FROM does not verify; nothing was kept'],
  ],
  async run(context, [from = '', to = '']) {
    const { copyBetween } = await import('../../compose-copy.ts');
    const { out } = context;
    const line = progressLine(context, { lineMs: LINE_MS, dated: true });
    const report = await copyBetween(from, to, ({ phase, table, rows }) =>
      line.show(`${DOING[phase]} ${rows.toLocaleString('en')} rows (${table})`),
    ).finally(() => line.close());
    await out.object(report, report.digest, () => {
      const columns = [
        { head: 'TABLE', cell: (table: (typeof report.tables)[number]) => table.name },
        { head: 'ROWS', cell: (table: (typeof report.tables)[number]) => table.rows.toLocaleString('en') },
      ];
      for (const row of out.table(report.tables, columns, null)) out.line(row);
      out.line(
        `${out.style('green', 'ok')}: ${plural(report.messages, 'message')} and ${plural(report.commits, 'commit')} copied, equal and verified in ${report.seconds.toFixed(1)}s`,
      );
      out.line(`digest ${report.digest}`);
    });
    out.hint(['', 'Next:', `  ${nextCommand(to, report.to)}`].join('\n'));
    return 0;
  },
});

function nextCommand(to: string, file: string): string {
  return to.startsWith('sqlite:')
    ? `coax up --detach --data ${plain(dirname(file))}`
    : `COAX_STORE=${plain(to.replace(/^(\w+:\/\/[^:@/]*):[^@/]*@/, '$1:…@'))} coax up --detach`;
}
