import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { objectsOf } from '../../../package/repository/open-repository.ts';
import { filesIn } from '../../../package/repository/repository-files.ts';
import { TrustedRepository } from '../../../package/repository/trusted-repository.ts';
import { type RepositoryReport, verifyRepository } from '../../../package/repository/verify-repository.ts';
import { cell } from '../../output/output.ts';
import { plural } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';
import { ROOT, trustedRepository } from './trust.ts';

/** Checks all of a repository. */
export const verb = defineVerb<{ from?: string; root?: string }>({
  examples: [
    ['coax repository verify', 'every signature, manifest and content, as a host would see them'],
    [
      'coax repository verify --from s3://bucket/packages --root 1.root.json',
      'a copy elsewhere, without a server',
    ],
  ],
  details: ['Reads every byte that is published. Exit status 10 if something does not verify.'],
  options: [
    {
      flags: '--from <place>',
      about: 'A folder or s3://bucket/prefix instead of the server',
      completes: 'file',
    },
    ROOT,
  ],
  statuses: [[10, 'something does not verify']],
  async run(context, _, { from, root }) {
    const { out } = context;
    const report = await (from === undefined
      ? verifyRepository(await trustedRepository(context, await context.client(), root))
      : verifyPlace(from, root));
    await out.object(report, String(report.faults.length), () => {
      for (const { where, reason } of report.faults) out.line(`${cell(where)}: ${cell(reason)}`);
      const what = `${plural(report.packages, 'package')}, ${plural(report.contents, 'content')}, ${report.bytes} bytes`;
      out.line(
        report.faults.length === 0
          ? `ok: everything verifies (${what})`
          : `${plural(report.faults.length, 'fault')} (${what})`,
      );
    });
    return report.faults.length === 0 ? 0 : 10;
  },
});

async function verifyPlace(from: string, root: string | undefined): Promise<RepositoryReport> {
  const folder = await mkdtemp(join(tmpdir(), 'coax-verify-'));
  try {
    const place = from.includes('://') ? from : resolve(from);
    const files = filesIn(objectsOf(place, process.env));
    return await verifyRepository(
      new TrustedRepository({ files, folder, ...(root !== undefined && { root: await readFile(root) }) }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
