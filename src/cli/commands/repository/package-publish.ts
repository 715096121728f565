import { publishArchives } from '../../../package/repository/publish.ts';
import { plural } from '../../output/text.ts';
import { defineVerb, lengthOfTime } from '../../verb.ts';
import { KEY, keysOf, ROOT, trustedRepository } from './trust.ts';

/** Publishes host packages. */
export const verb = defineVerb<{ key: readonly string[]; expires?: number; root?: string }>({
  examples: [
    ['coax package publish web-1.4.0.tar.zst --key targets.key', 'hosts can install it from now on'],
    ['coax package publish build/*.tar.zst --key a.key --key b.key', 'several at once; two people must sign'],
  ],
  details: [
    'Only contents that the repository lacks are sent. All packages become visible at once, by one signature, or none does. A version that is published never changes.',
    'What stands in the repository is verified before it is signed once more, from the root that this machine trusts.',
  ],
  args: [{ name: '<files...>', about: 'Archives, as `coax package build` makes them', completes: 'file' }],
  options: [
    { ...KEY, required: true },
    { flags: '--expires <time>', about: 'How long the signatures hold (default 365d)', parse: lengthOfTime },
    ROOT,
  ],
  async run(context, files, { key, expires, root }) {
    const { out } = context;
    const client = await context.client();
    const { packages } = client;
    const trusted = await trustedRepository(context, client, root);
    const report = await publishArchives(
      {
        current: () => trusted.current(),
        missing: hashes => packages.missing(hashes),
        putContent: (sha256, size, bytes) => packages.putContent(sha256, size, bytes),
        putManifest: bytes => packages.putManifest(bytes),
        publish: targets => packages.publish(targets),
      },
      files,
      { keys: await keysOf(key), now: Date.now(), ...(expires !== undefined && { holdsMs: expires }) },
    );
    const names = report.packages.map(({ name, version }) => `${name}@${version}`).join('\n');
    await out.object(report, names, () => {
      for (const { name, version, known, sent, contents, sentBytes } of report.packages)
        out.line(
          `${name}@${version}  ${known ? 'was published already' : 'published'}; sent ${sent} of ${plural(contents, 'content')}, ${sentBytes} bytes`,
        );
    });
    return 0;
  },
});
