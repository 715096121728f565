import { cell } from '../../output/output.ts';
import { plural } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';
import { answersOf, hostsOn, ON, type OnOptions, runOn, TIMEOUT } from './on-hosts.ts';

interface Fault {
  readonly package: string;
  readonly version: string;
  readonly path: string;
  readonly fault: string;
  readonly reason: string;
}
interface Answer {
  readonly verified: { readonly faults: readonly Fault[]; readonly faultCount: number };
}

/** Reads every byte of the packages of hosts. */
export const verb = defineVerb<OnOptions>({
  examples: [
    ['coax package verify --on h7', 'all packages of a host'],
    ['coax package verify web --on all -o json', 'one package, on every host, for a program'],
  ],
  details: [
    'Every file is read and compared with its package: content, mode, link, what is missing and what is there too much. `coax package install` of the same version puts it right. At most 200 faults a host are listed; the count is of all.',
  ],
  args: [{ name: '[package]', about: 'Its name; all if absent' }],
  options: [ON, TIMEOUT],
  statuses: [
    [0, 'everything is as it was installed'],
    [8, 'the wait ended first'],
    [10, 'something is not as it was installed'],
  ],
  async run(context, [name = ''], options) {
    const { out } = context;
    const client = await context.client();
    const hosts = await hostsOn(client, out, options.on);
    const message = await runOn(client, 'verify_packages', { hosts, package: name }, options.timeout);
    const answers = answersOf<Answer>(message, hosts, 'results');
    const faults = answers.flatMap(({ host, verified }) =>
      verified.faults.map(fault => ({ host, ...fault })),
    );
    const count = answers.reduce((sum, { verified }) => sum + verified.faultCount, 0);
    await out.object({ hosts, faults, faultCount: count }, count === 0 ? 'ok' : 'faults', () => {
      type Row = (typeof faults)[number];
      const columns = [
        { head: 'HOST', cell: (row: Row) => cell(row.host) },
        { head: 'PACKAGE', cell: (row: Row) => cell(`${row.package} ${row.version}`) },
        { head: 'FAULT', cell: (row: Row) => cell(row.fault) },
        { head: 'PATH', cell: (row: Row) => cell(row.path) },
        { head: 'WHY', cell: (row: Row) => cell(row.reason) },
      ];
      if (faults.length > 0) for (const line of out.table(faults, columns, null)) out.line(line);
      const on = plural(hosts.length, 'host');
      out.line(count === 0 ? `${on}: everything is as it was installed` : `${on}: ${plural(count, 'fault')}`);
    });
    return count === 0 ? 0 : 10;
  },
});
