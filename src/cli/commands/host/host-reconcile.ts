import type { MessageView } from '../../../api/message.ts';
import type { Client } from '../../../client/client.ts';
import { everyPage } from '../../../client/every-page.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { meantHint } from '../../../errors/nearest.ts';
import { cell, type Output } from '../../output/output.ts';
import { plural } from '../../output/text.ts';
import { defineVerb, lengthOfTime } from '../../verb.ts';

interface Options {
  readonly apply?: boolean;
  readonly deleteUnknown?: readonly string[];
  readonly timeout?: number;
}

/** As the step `reconcile compare` gives it. */
export interface DifferenceView {
  readonly host: string;
  readonly uuid: string;
  readonly name: string;
  readonly recorded: string;
  readonly found: string;
  readonly action: string;
  readonly why: string;
}

/** Compares a host's guests with the record. */
export const verb = defineVerb<Options>({
  examples: [
    ['coax host reconcile h7', 'what differs, and what would mend it; nothing is changed'],
    ['coax host reconcile h7 --apply', 'mend it; a host that is lost or down returns by this'],
    ['coax host reconcile h7 --apply --delete-unknown UUID', 'delete a guest, too, that no VM stands for'],
  ],
  details: [
    'A guest that no VM stands for is named and never touched, unless --delete-unknown names it. Each run is a message, and each repair a branch of it: `coax log` shows them.',
  ],
  args: [{ name: '<host>', about: 'Name of the host', completes: 'host' }],
  options: [
    { flags: '--apply', about: 'Repair what differs' },
    { flags: '--delete-unknown <uuid>', about: 'With --apply: delete that unknown guest', repeats: true },
    { flags: '--timeout <time>', about: 'Stop waiting after so long; it goes on', parse: lengthOfTime },
  ],
  statuses: [
    [0, 'compared; with --apply: repaired'],
    [1, 'it failed and was rolled back, or a repair failed'],
    [8, 'the wait ended first'],
  ],
  async run(context, [name = ''], options) {
    const { out } = context;
    const client = await context.client();
    const { apply = false, deleteUnknown: unwanted = [] } = options;
    if (unwanted.length > 0 && !apply)
      throw new CoaxError('COAX_USAGE', '--delete-unknown is for --apply', { where: '--delete-unknown' });
    const { items } = await everyPage(query => client.hosts(query));
    const host = items.find(item => item.name === name);
    if (!host) {
      const names = items.map(item => item.name);
      const hint = `${meantHint(name, names)}\`coax host ls\` lists the hosts.`;
      throw new CoaxError('COAX_NOT_FOUND', `no host is called ${name}`, { hint });
    }
    const away = host.state === 'lost' || host.state === 'down';
    const message = await reconcile(client, name, { apply, unwanted, away }, options.timeout);
    const differences = differencesOf(message);
    const failed = faultsOf(message);
    await out.object({ msgid: message.msgid, host: name, apply, differences, faults: failed }, name, () =>
      printDifferences(out, differences, failed, { apply, msgid: message.msgid, what: `host ${name}` }),
    );
    return failed.length > 0 ? 1 : 0;
  },
});

/** Runs it, and gives the message once it is done. Errors: COAX_ROLLED_BACK, COAX_WAIT_TIMEOUT. */
export async function reconcile(
  client: Client,
  host: string,
  { apply, unwanted, away }: { apply: boolean; unwanted: readonly string[]; away: boolean },
  timeoutMs?: number,
): Promise<MessageView> {
  const flow = apply && away ? 'return_host' : 'reconcile_host';
  const submitted = await client.submit({ flow, parameters: { host, apply, unwanted: [...unwanted] } });
  const message = await client.waitFor(submitted.msgid, timeoutMs === undefined ? {} : { timeoutMs });
  if (message.status === 'done') return message;
  throw new CoaxError('COAX_ROLLED_BACK', `host ${host}: ${message.error?.reason ?? message.status}`, {
    where: String(message.msgid),
    hint: `\`coax log ${message.msgid}\` tells why.`,
  });
}

export function differencesOf({ parameters }: MessageView): DifferenceView[] {
  const { host, differences } = parameters as { host: string; differences?: Omit<DifferenceView, 'host'>[] };
  return (differences ?? []).map(difference => ({ host, ...difference }));
}

/** What could not be repaired, by the name of its VM. */
export function faultsOf({ parameters }: MessageView): string[] {
  const { repairs = [], repaired = [] } = parameters as {
    repairs?: { name: string }[];
    repaired?: { fault?: string }[];
  };
  return repaired.flatMap(({ fault }, at) => (fault ? [`${repairs[at]?.name}: ${fault}`] : []));
}

export function printDifferences(
  out: Output,
  differences: readonly DifferenceView[],
  faults: readonly string[],
  { apply, msgid, what }: { apply: boolean; msgid: number | null; what: string },
): void {
  const columns = [
    { head: 'HOST', cell: (row: DifferenceView) => cell(row.host) },
    { head: 'VM', cell: (row: DifferenceView) => cell(row.name) },
    { head: 'RECORDED', cell: (row: DifferenceView) => cell(row.recorded) },
    { head: 'FOUND', cell: (row: DifferenceView) => cell(row.found) },
    { head: 'ACTION', cell: (row: DifferenceView) => cell(row.action) },
    { head: 'UUID', cell: (row: DifferenceView) => cell(row.uuid) },
    { head: 'WHY', cell: (row: DifferenceView) => cell(row.why) },
  ];
  if (differences.length > 0) for (const line of out.table(differences, columns, null)) out.line(line);
  for (const fault of faults) out.line(out.style('red', `not repaired: ${cell(fault)}`));
  const log = msgid === null ? '' : `; coax log ${msgid}`;
  if (differences.length === 0) out.line(`${what}: guests and record agree${log}`);
  else if (!apply)
    out.line(`${what}: ${plural(differences.length, 'difference')}; nothing was changed${log}`);
  else {
    const mended = differences.filter(({ action }) => action !== 'none').length - faults.length;
    out.line(`${what}: ${plural(differences.length, 'difference')}, ${mended} repaired${log}`);
  }
}
