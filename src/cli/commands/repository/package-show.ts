import { CoaxError } from '../../../errors/coax-error.ts';
import { cell } from '../../output/output.ts';
import { plural } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';

/** Shows one published version of a host package. */
export const verb = defineVerb({
  examples: [
    ['coax package show web@1.4.0', 'what is in it'],
    ['coax package show web -o json', 'the version that was published last, with its manifest'],
  ],
  args: [{ name: '<package>', about: 'NAME@VERSION, or NAME for what was published last' }],
  async run({ out, client }, [given = '']) {
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
