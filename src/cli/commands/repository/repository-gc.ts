import { cell } from '../../output/output.ts';
import { plural } from '../../output/text.ts';
import { defineVerb, lengthOfTime } from '../../verb.ts';

/** Deletes contents of the repository that nothing names. */
export const verb = defineVerb<{ grace?: number; dryRun?: boolean }>({
  examples: [
    ['coax repository gc', 'delete what no published package has named for a week'],
    ['coax repository gc --grace 1h', 'no longer than the least'],
    ['coax repository gc --dry-run', 'what would be deleted'],
  ],
  details: [
    'The server does this once a day by itself (`coax up --repository-gc`). The time of a file begins when it is first found that nothing names it. What a publisher has brought and not yet published has as long.',
  ],
  options: [
    {
      flags: '--grace <time>',
      about: 'How long nothing must have named it (default 7d, 1h at least)',
      parse: lengthOfTime,
    },
    { flags: '--dry-run', about: 'Delete nothing' },
  ],
  async run({ out, client }, _, { grace, dryRun = false }) {
    const report = await (await client()).packages.collect({
      dryRun,
      ...(grace !== undefined && { graceMs: grace }),
    });
    await out.object(report, report.removed.join('\n'), () => {
      for (const name of report.removed) out.line(`${dryRun ? 'would delete' : 'deleted'} ${cell(name)}`);
      const wait = report.next === null ? '' : `, the first until ${report.next}`;
      out.line(
        `${plural(report.removed.length, 'file')} ${dryRun ? 'would be deleted' : 'deleted'}; ${report.needed} needed; ${report.waiting} waiting${wait}`,
      );
    });
    return 0;
  },
});
