import { CoaxError } from '../../../errors/coax-error.ts';
import type { Context } from '../../context.ts';
import { cell } from '../../output/output.ts';
import { plural } from '../../output/text.ts';
import { answersOf, hostsOn, type OnOptions, runOn } from './on-hosts.ts';

interface Listed {
  readonly packages: readonly {
    readonly name: string;
    readonly version: string | null;
    readonly previous: string | null;
    readonly digest: string | null;
  }[];
}

interface Verified {
  readonly verified: {
    readonly faults: readonly { readonly path: string; readonly fault: string; readonly reason: string }[];
    readonly faultCount: number;
  };
}

/** How a package stands on hosts; every byte of it is read there. Returns the exit status: 10 when something was changed by hand. */
export async function showInstalled(
  context: Context,
  name: string,
  options: Pick<OnOptions, 'on' | 'timeout'>,
): Promise<number> {
  const { out } = context;
  if (name === '' || name.includes('@'))
    throw new CoaxError('COAX_USAGE', 'with --on, give the name of a package without a version', {
      where: name || '<package>',
      hint: '`coax package show web --on all` says which version stands where.',
    });
  const client = await context.client();
  const hosts = await hostsOn(client, out, options.on);
  const [listed, verified] = await Promise.all([
    runOn(client, 'list_packages', { hosts }, options.timeout),
    runOn(client, 'verify_packages', { hosts, package: name }, options.timeout),
  ]);
  const checks = answersOf<Verified>(verified, hosts, 'results');
  const items = answersOf<Listed>(listed, hosts, 'listed').map(({ host, packages }, at) => {
    const found = packages.find(each => each.name === name);
    const { faults, faultCount } = checks[at]!.verified;
    return {
      host,
      version: found?.version ?? null,
      previous: found?.previous ?? null,
      digest: found?.digest ?? null,
      faults,
      faultCount,
    };
  });
  type Row = (typeof items)[number];
  const stateOf = ({ version, faultCount }: Row): string => {
    if (version === null) return 'not installed';
    return faultCount === 0
      ? 'verified'
      : out.style('red', `changed by hand: ${plural(faultCount, 'fault')}`);
  };
  await out.list(
    { items },
    {
      columns: [
        { head: 'HOST', cell: row => cell(row.host) },
        { head: 'VERSION', cell: row => cell(row.version ?? '') },
        { head: 'BEFORE', cell: row => cell(row.previous ?? '') },
        { head: 'DIGEST', cell: row => cell(row.digest?.slice(0, 12)) },
        { head: 'STATE', cell: stateOf },
      ],
      name: row => `${row.host}${row.version === null ? '' : ` ${name}@${row.version}`}`,
      empty: 'no host was asked',
    },
  );
  if (out.forPeople)
    for (const { host, faults } of items)
      for (const { path, fault, reason } of faults)
        out.line(`${cell(host)}: ${cell(path)}: ${cell(fault)}: ${cell(reason)}`);
  return items.some(({ faultCount }) => faultCount > 0) ? 10 : 0;
}
