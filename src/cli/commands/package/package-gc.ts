import { bytesText } from '../../output/bytes.ts';
import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';
import { answersOf, hostsOn, ON, type OnOptions, runOn, TIMEOUT } from './on-hosts.ts';

interface Answer {
  readonly collected: {
    readonly versions: readonly { readonly name: string; readonly version: string }[];
    readonly contents: number;
    readonly bytes: number;
  };
}

/** Deletes from hosts what no package there needs. */
export const verb = defineVerb<OnOptions>({
  examples: [
    ['coax package gc --on h7', 'old versions, and what only they need'],
    ['coax package gc --on all -o json', 'on every host, for a program'],
  ],
  details: [
    'The current and the previous version of each package stay, so that a rollback needs no network. A package that was removed goes for good.',
  ],
  options: [ON, TIMEOUT],
  statuses: [[8, 'the wait ended first']],
  async run(context, _args, options) {
    const { out } = context;
    const client = await context.client();
    const hosts = await hostsOn(client, out, options.on);
    const message = await runOn(client, 'gc_packages', { hosts }, options.timeout);
    const items = answersOf<Answer>(message, hosts, 'results').map(({ host, collected }) => ({
      host,
      ...collected,
    }));
    await out.list(
      { items },
      {
        columns: [
          { head: 'HOST', cell: row => cell(row.host) },
          { head: 'VERSIONS', right: true, cell: row => String(row.versions.length) },
          { head: 'CONTENTS', right: true, cell: row => String(row.contents) },
          { head: 'FREED', right: true, cell: row => bytesText(row.bytes) },
          {
            head: 'WHICH',
            cell: row => cell(row.versions.map(({ name, version }) => `${name} ${version}`).join(', ')),
          },
        ],
        name: row => row.host,
        empty: 'no host',
      },
    );
    return 0;
  },
});
