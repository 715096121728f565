import type { FsckReportView } from '../../../api/fsck.ts';
import { CODES, KINDS } from '../../../errors/codes.ts';
import { cell, type Output } from '../../output/output.ts';
import { plural } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';

/** Verifies every commit, chain, message row and allocation; repairs nothing. */
export const verb = defineVerb<{ offline?: boolean }>({
  examples: [
    ['coax fsck', 'verify everything the server holds'],
    ['coax fsck --offline', 'read the database file itself; works when no server starts'],
    ['coax fsck -o json | jq .faults', 'what does not verify, for a program'],
  ],
  options: [{ flags: '--offline', about: "Open the data directory's database, without a server" }],
  statuses: [
    [0, 'everything verifies'],
    [10, 'something does not'],
  ],
  async run(context, _args, { offline }) {
    const { out } = context;
    const report = offline ? await readOffline(context.dataDir) : await (await context.client()).fsck();
    await out.object(report, report.ok ? 'ok' : 'corrupt', () => printReport(out, report));
    return report.ok ? 0 : KINDS[CODES.COAX_FSCK.kind].exit;
  },
});

async function readOffline(dataDir: string): Promise<FsckReportView> {
  const { offlineFsck } = await import('../../compose/open-store.ts');
  return (await offlineFsck(dataDir)) as unknown as FsckReportView;
}

type Fault = FsckReportView['faults'][number] & {
  readonly where?: string;
  readonly msgid?: number;
  readonly seq?: number;
};

function printReport(out: Output, report: FsckReportView): void {
  const faults = report.faults as readonly Fault[];
  const columns = [
    { head: 'KIND', cell: (fault: Fault) => out.style('red', cell(fault.kind)) },
    { head: 'WHERE', cell: (fault: Fault) => cell((fault.where as string | undefined) ?? placeOf(fault)) },
    { head: 'REASON', cell: (fault: Fault) => cell(fault.reason) },
  ];
  if (faults.length > 0) for (const line of out.table(faults, columns, null)) out.line(line);
  for (const note of report.notes ?? []) out.line(out.style('yellow', cell(note)));
  const counted = ['messages', 'commits', 'allocations', 'archives'].flatMap(name => {
    const count = report[name];
    return typeof count === 'number' ? [plural(count, name.slice(0, -1))] : [];
  });
  const took = typeof report.seconds === 'number' ? ` in ${report.seconds.toFixed(1)}s` : '';
  const sum = counted.length === 0 ? '' : ` (${counted.join(', ')})`;
  out.line(
    report.ok
      ? `${out.style('green', 'ok')}: everything verifies${sum}${took}`
      : `${out.style('red', plural(faults.length, 'fault'))}${sum}${took}; nothing was changed`,
  );
}

function placeOf({ msgid, seq }: Fault): string {
  if (msgid === undefined) return '';
  return seq === undefined ? `message ${msgid}` : `message ${msgid} commit ${seq}`;
}
