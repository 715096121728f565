import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';
import { listInstalled } from '../package/installed.ts';
import { MAYBE_ON, type OnOptions, TIMEOUT } from '../package/on-hosts.ts';

/** Lists published host packages, or those that stand on hosts. */
export const verb = defineVerb<Pick<OnOptions, 'on' | 'timeout'>>({
  examples: [
    ['coax package ls', 'every version, by name, the newest first'],
    ['coax package ls -o name', 'names for a script: web@1.4.0'],
    ['coax package ls --on h7', 'what stands on a host, and what stood there before'],
    ['coax package ls web --on all', 'which version of one package each host has'],
  ],
  details: ['With --on, the hosts themselves are asked, by a message.'],
  args: [{ name: '[package]', about: 'Its name; all if absent' }],
  options: [MAYBE_ON, TIMEOUT],
  statuses: [[8, 'with --on: the wait ended first']],
  async run(context, [name], options) {
    if (options.on !== undefined) return listInstalled(context, name, options);
    const { out } = context;
    const { items } = await (await context.client()).packages.list();
    const named = items.filter(item => name === undefined || item.name === name);
    await out.list(
      { items: named },
      {
        columns: [
          { head: 'PACKAGE', cell: published => published.name },
          { head: 'VERSION', cell: published => published.version },
          { head: 'FOR', cell: published => cell(published.architecture) },
          { head: 'FILES', cell: published => String(published.files) },
          { head: 'BYTES', cell: published => String(published.bytes) },
          { head: out.timeHead('AGE', 'PUBLISHED'), cell: published => out.time(published.published) },
          { head: 'ABOUT', cell: published => cell(published.about) },
        ],
        name: ({ name, version }) => `${name}@${version}`,
        empty: 'no package is published: `coax package publish FILE --key KEY`',
      },
    );
    return 0;
  },
});
