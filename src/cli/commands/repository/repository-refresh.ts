import { SIGNED_MS } from '../../../package/repository/metadata.ts';
import { resignTargets } from '../../../package/repository/publish.ts';
import { defineVerb, lengthOfTime } from '../../verb.ts';
import { printRepository } from './print-repository.ts';
import { KEY, keysOf, ROOT, trustedRepository } from './trust.ts';

/** Signs metadata anew before it expires. */
export const verb = defineVerb<{ key?: readonly string[]; expires?: number; root?: string }>({
  examples: [
    ['coax repository refresh', 'snapshot and timestamp, by the server, which does it by itself as well'],
    ['coax repository refresh --key targets.key', 'the packages, too: for another year'],
  ],
  options: [
    KEY,
    {
      flags: '--expires <time>',
      about: 'How long the signatures of --key hold (default 365d)',
      parse: lengthOfTime,
    },
    ROOT,
  ],
  async run(context, _, { key = [], expires = SIGNED_MS, root }) {
    const client = await context.client();
    if (key.length === 0) return printRepository(context, await client.packages.refresh());
    const trusted = await trustedRepository(context, client, root);
    const view = await resignTargets(
      { current: () => trusted.current(), publish: targets => client.packages.publish(targets) },
      { keys: await keysOf(key), now: Date.now(), holdsMs: expires },
    );
    return printRepository(context, view);
  },
});
