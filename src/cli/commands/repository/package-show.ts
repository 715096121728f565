import { CoaxError } from '../../../errors/coax-error.ts';
import { cell } from '../../output/output.ts';
import { plural } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';
import { MAYBE_ON, type OnOptions, TIMEOUT } from '../package/on-hosts.ts';
import { showInstalled } from '../package/show-installed.ts';

/** Shows one published version of a host package, or how a package stands on hosts. */
export const verb = defineVerb<Pick<OnOptions, 'on' | 'timeout'>>({
  examples: [
    ['coax package show web@1.4.0', 'what is in it'],
    ['coax package show web -o json', 'the version that was published last, with its manifest'],
    [
      'coax package show web --on zone=a',
      'which version stands on each host, and whether it was changed by hand',
    ],
  ],
  details: [
    'With --on, the hosts themselves are asked, by two messages, and read every byte of the package.',
  ],
  args: [{ name: '<package>', about: 'NAME@VERSION, or NAME for what was published last' }],
  options: [MAYBE_ON, TIMEOUT],
  statuses: [
    [8, 'with --on: the wait ended first'],
    [10, 'with --on: something is not as it was installed'],
  ],
  async run(context, [given = ''], options) {
    if (options.on !== undefined) return showInstalled(context, given, options);
    const { out, client } = context;
    const { packages } = await client();
    const [name = '', version] = given.split('@');
    const found =
      version ?? (await packages.list()).items.find(published => published.name === name)?.version;
    if (found === undefined)
      throw new CoaxError('COAX_PACKAGE_NOT_FOUND', `no version of ${name} is published`, { where: name });
    const shown = await packages.show(name, found);
    await out.object(shown, `${name}@${found}`, () => {
      out.fields([
        ['package', `${shown.name}@${shown.version}`],
        ['about', cell(shown.about)],
        ['for', cell(shown.architecture)],
        [
          'needs',
          cell(
            Object.entries(shown.dependencies)
              .map(pair => pair.join(' '))
              .join(', '),
          ),
        ],
        ['holds', `${plural(shown.files, 'file')}, ${shown.bytes} bytes`],
        ['sha256', shown.sha256],
        ['published', shown.published],
      ]);
      const entries = (shown.manifest as { entries?: { path: string; type: string }[] }).entries ?? [];
      for (const { path, type } of entries)
        out.line(`  ${cell(path)}${type === 'folder' ? '/' : type === 'link' ? ' (link)' : ''}`);
    });
    return 0;
  },
});
