import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';

/** Lists published host packages. */
export const verb = defineVerb({
  examples: [
    ['coax package ls', 'every version, by name, the newest first'],
    ['coax package ls -o name', 'names for a script: web@1.4.0'],
  ],
  async run({ out, client }) {
    await out.list(await (await client()).packages.list(), {
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
    });
    return 0;
  },
});
