import type { Context } from '../../context.ts';
import { cell } from '../../output/output.ts';
import { answersOf, hostsOn, type OnOptions, runOn } from './on-hosts.ts';

interface Answer {
  readonly packages: readonly {
    readonly name: string;
    readonly version: string | null;
    readonly previous: string | null;
    readonly digest: string | null;
    readonly about: string;
  }[];
}

/** Prints which packages stand on hosts; each host is asked. `name`: only that one. */
export async function listInstalled(
  context: Context,
  name: string | undefined,
  options: Pick<OnOptions, 'on' | 'timeout'>,
): Promise<number> {
  const { out } = context;
  const client = await context.client();
  const hosts = await hostsOn(client, out, options.on);
  const message = await runOn(client, 'list_packages', { hosts }, options.timeout);
  const items = answersOf<Answer>(message, hosts, 'listed').flatMap(({ host, packages }) =>
    packages.filter(each => name === undefined || each.name === name).map(each => ({ host, ...each })),
  );
  await out.list(
    { items },
    {
      columns: [
        { head: 'HOST', cell: row => cell(row.host) },
        { head: 'PACKAGE', cell: row => cell(row.name) },
        { head: 'VERSION', cell: row => cell(row.version ?? '(removed)') },
        { head: 'BEFORE', cell: row => cell(row.previous ?? '') },
        { head: 'DIGEST', cell: row => cell(row.digest?.slice(0, 12)) },
        { head: 'ABOUT', cell: row => cell(row.about) },
      ],
      name: row => `${row.host} ${row.name}${row.version === null ? '' : `@${row.version}`}`,
      empty: 'no package stands there: `coax package install NAME --on HOST`',
    },
  );
  return 0;
}
