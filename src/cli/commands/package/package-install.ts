import { join } from 'node:path';
import { CoaxError } from '../../../errors/coax-error.ts';
import type { Context } from '../../context.ts';
import { plain } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';
import { WAIT } from '../message/decision.ts';
import { WAIT_STATUSES } from '../message/wait.ts';
import { MAYBE_ON, type OnOptions, submitOn } from './on-hosts.ts';

interface InstallOptions extends OnOptions {
  readonly file?: string;
  readonly trust?: readonly string[];
  readonly root?: string;
}

/** Installs a package on hosts, or an archive here. */
export const verb = defineVerb<InstallOptions>({
  examples: [
    ['coax package install web@1.4.2 --on h7 --wait', 'on one host, and look on'],
    [
      'coax package install web@^1.4 --on disk=ssd,zone=b --wait',
      'the newest 1.x on all that have such labels',
    ],
    ['coax package install web --on all', 'the newest, on every host'],
    [
      'coax package install --file web-1.4.2.tar.zst --trust release.pub.pem --root /opt/coax',
      'an archive, on this machine; no server is asked',
    ],
  ],
  details: [
    'One message installs it on all of these hosts, sixteen at a time. On each it is fetched (only what is missing there), verified, switched to at one instant and asked after its health. If it is not healthy on one host, that one switches back at once and the message is rolled back: all others switch back, too. `coax revert` does the same later.',
    'What it depends on comes along, unless what stands there suits. With --file, that is looked for beside the archive.',
  ],
  args: [{ name: '[package]', about: 'NAME, NAME@1.4.2 or NAME@^1.4' }],
  options: [
    MAYBE_ON,
    ...WAIT,
    { flags: '--file <file>', about: 'Install this archive on this machine', completes: 'file' },
    {
      flags: '--trust <file>',
      about: 'With --file: only if it was signed by this public key (PEM); may be given again',
      repeats: true,
      completes: 'file',
    },
    {
      flags: '--root <dir>',
      about: 'With --file: where packages are (default: packages in the data directory)',
      completes: 'file',
    },
  ],
  statuses: WAIT_STATUSES,
  async run(context, [wanted], options) {
    if (options.file !== undefined) return installHere(context, wanted, options.file, options);
    if (wanted === undefined || options.on === undefined) {
      throw new CoaxError('COAX_USAGE', 'a package and --on are wanted, or --file', {
        where: wanted === undefined ? 'package' : '--on',
        hint: 'coax package install web@1.4.2 --on h7',
      });
    }
    const at = wanted.indexOf('@');
    const name = at < 0 ? wanted : wanted.slice(0, at);
    const version = at < 0 ? '' : wanted.slice(at + 1);
    return submitOn(context, 'install_package', wanted, { package: name, version }, options);
  },
});

async function installHere(
  { dataDir, out }: Context,
  wanted: string | undefined,
  file: string,
  { trust = [], root = join(dataDir, 'packages'), on }: InstallOptions,
): Promise<number> {
  if (wanted !== undefined || on !== undefined)
    throw new CoaxError('COAX_USAGE', '--file says which package, and installs it on this machine', {
      where: '--file',
      hint: 'coax package install --file web-1.4.2.tar.zst',
    });
  const { installFile } = await import('../../compose/install-file.ts');
  const { packages, standing } = await installFile({ file, trust, root, log: line => out.hint(plain(line)) });
  await out.object({ root, installed: packages, packages: standing }, packages[0]!.name, () => {
    for (const { name, version } of packages) out.line(`${out.style('bold', name)} ${version}`);
  });
  if (trust.length === 0) out.hint('its signature was not asked for: --trust names a public key');
  return 0;
}
