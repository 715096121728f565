import { STATUSES } from '../../../message/message.ts';
import type { Context } from '../../context.ts';
import { readServerFile } from '../../data-dir.ts';
import { cell } from '../../output/output.ts';
import { styleStatus } from '../../output/style.ts';
import { plural } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';

/** Of each kind at most. */
const SHOWN = 10;

/** The server, how many messages have each status, and what needs a person. */
export const verb = defineVerb({
  examples: [
    ['coax status', 'is it up, and does anything need a person?'],
    ['coax status -o json | jq .counts', 'for a program'],
  ],
  statuses: [
    [0, 'a server answers'],
    [6, 'none does'],
  ],
  async run(context) {
    const { out, dataDir } = context;
    const client = await context.client();
    const [ready, counts, parked] = await Promise.all([
      client.ready(),
      client.counts(),
      client.messages({ status: 'parked', children: true, limit: SHOWN }),
    ]);
    // A server of the version before does not count these, and would refuse to be asked for them.
    const asked = counts.approval > 0;
    const waiting = asked ? await client.messages({ approval: true, children: true, limit: SHOWN }) : null;
    const file = readServerFile(dataDir);
    const own = file?.url === client.url ? { pid: file.pid, dataDir } : {};
    const needsPerson = parked.items.map(({ msgid, flow, undoError }) => ({
      msgid,
      flow,
      reason: undoError?.reason ?? null,
    }));
    const toApprove = (waiting?.items ?? []).map(({ msgid, flow, updated }) => ({
      msgid,
      flow,
      since: updated,
    }));
    const value = { url: client.url, ...own, ...ready, counts, needsPerson, toApprove };
    await out.object(value, client.url, () => {
      out.fields([
        ['server', client.url],
        ['note', ready.simulated ? out.style('yellow', 'SIMULATED: no real VM runs') : null],
        ['pid', own.pid],
        ['data', own.dataDir],
        ['version', ready.version],
        [
          'messages',
          STATUSES.map(
            status =>
              `${counts[status] ?? 0} ${(counts[status] ?? 0) > 0 ? styleStatus(out.style, status) : out.style('dim', status)}`,
          ).join('  '),
        ],
      ]);
      if (needsPerson.length > 0) {
        heading(out, plural(counts.parked ?? 0, 'message needs', 'messages need'), 'a person');
        for (const { msgid, flow, reason } of needsPerson)
          out.line(`  ${msgid}  ${cell(flow)}  ${cell(reason)}`);
        out.hint(`coax resolve ${needsPerson[0]?.msgid} retry|skip|edit|undone --reason …`);
      }
      if (toApprove.length > 0) {
        heading(out, plural(counts.approval, 'message waits', 'messages wait'), 'for a person to approve');
        for (const { msgid, flow } of toApprove) out.line(`  ${msgid}  ${cell(flow)}`);
        out.hint(`coax approve ${toApprove[0]?.msgid} [--reject] --reason …`);
      }
    });
    return 0;
  },
});

function heading(out: Context['out'], many: string, what: string): void {
  out.line();
  out.line(out.style(['red', 'bold'], `${many} ${what}`));
}
