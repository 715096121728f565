import { plural } from '../../output/text.ts';
import { defineVerb, lengthOfTime } from '../../verb.ts';

/** Moves old finished messages to archive files. */
export const verb = defineVerb<{ olderThan: number; to?: string }>({
  examples: [
    ['coax archive --older-than 30d', "into the folder archive of the server's data directory"],
    ['coax archive --older-than 30d --to s3://bucket/coax', 'into a bucket'],
  ],
  details: [
    'Only what is done or rolled back and holds nothing is archived: the message that made a living VM stays. A file is read back and verified before its messages leave the store.',
    '`coax up --retain 30d --archive /srv/coax-archive` does it by itself, every hour.',
    'log, show, diff, blame, fork and fsck read archived messages as before; ls lists them with --archived.',
  ],
  options: [
    {
      flags: '--older-than <time>',
      about: 'Messages that have not changed for so long, as in 30d or 12h',
      required: true,
      parse: lengthOfTime,
    },
    { flags: '--to <place>', about: 'Folder of the server, or s3://bucket/prefix', completes: 'file' },
  ],
  async run({ client, out }, _args, { olderThan, to }) {
    const report = await (await client()).archive({
      olderThanMs: olderThan,
      ...(to !== undefined && { to }),
    });
    await out.object(report, report.archives.map(({ name }) => name).join('\n'), () => {
      const columns = [
        { head: 'FILE', cell: (file: (typeof report.archives)[number]) => file.name },
        { head: 'MESSAGES', cell: (file: (typeof report.archives)[number]) => String(file.messages) },
        { head: 'COMMITS', cell: (file: (typeof report.archives)[number]) => String(file.commits) },
        { head: 'BYTES', cell: (file: (typeof report.archives)[number]) => String(file.bytes) },
      ];
      if (report.archives.length > 0)
        for (const line of out.table(report.archives, columns, null)) out.line(line);
      out.line(
        report.messages === 0
          ? 'nothing is old enough'
          : `archived ${plural(report.messages, 'message')} and ${plural(report.commits, 'commit')} in ${report.place}`,
      );
      if (report.kept > 0) out.line(`${plural(report.kept, 'message')} changed meanwhile and stay`);
    });
    return 0;
  },
});
