import {
  makeRoot,
  makeTargets,
  parseMetadata,
  SIGNED_MS,
  type Signers,
  signed,
  signersOf,
} from '../../../package/repository/metadata.ts';
import { defineVerb, lengthOfTime, wholeNumber } from '../../verb.ts';
import { printRepository } from './print-repository.ts';
import { SIGNER_OPTIONS } from './repository-init.ts';
import { KEY, keysOf, ROOT, someKeys, trustedRepository } from './trust.ts';

interface Options {
  readonly key: readonly string[];
  readonly rootKey?: readonly string[];
  readonly threshold?: number;
  readonly targetsKey?: readonly string[];
  readonly targetsThreshold?: number;
  readonly onlineKey?: boolean;
  readonly expires?: number;
  readonly root?: string;
}

/** Publishes the next root. */
export const verb = defineVerb<Options>({
  examples: [
    ['coax repository rotate --key root.key', 'the same keys for another year'],
    [
      'coax repository rotate --key root.key --root-key new.key',
      'another key of the root; the old one signs that a last time',
    ],
    [
      'coax repository rotate --key root.key --targets-key new-targets.key',
      'another key for packages: what is published is signed anew by it',
    ],
    [
      'coax repository rotate --key root.key --online-key',
      "another key of the server's own; nobody has the old one any more",
    ],
  ],
  details: [
    'What is not given stays. A list of keys that is given stands for all of them: the others sign nothing any more.',
  ],
  options: [
    {
      ...KEY,
      about: 'Key of the root as it is now; may be given again when several must sign',
      required: true,
    },
    { flags: '--root-key <key>', about: SIGNER_OPTIONS.rootKey, repeats: true, completes: 'file' },
    { flags: '--threshold <n>', about: SIGNER_OPTIONS.threshold, parse: wholeNumber(1) },
    { flags: '--targets-key <key>', about: SIGNER_OPTIONS.targetsKey, repeats: true, completes: 'file' },
    { flags: '--targets-threshold <n>', about: SIGNER_OPTIONS.targetsThreshold, parse: wholeNumber(1) },
    {
      flags: '--online-key',
      about: 'Have the server make itself another key for what it signs: snapshots and timestamps',
    },
    { flags: '--expires <time>', about: SIGNER_OPTIONS.expires, parse: lengthOfTime },
    ROOT,
  ],
  async run(context, _, options) {
    const { expires = SIGNED_MS } = options;
    const client = await context.client();
    const current = await (await trustedRepository(context, client, options.root)).current();
    const before = parseMetadata('root', current.root, 'root');
    const roots = await someKeys(options.rootKey ?? []);
    const targets = await someKeys(options.targetsKey ?? []);
    const until = Date.now() + expires;
    const next = (given: typeof roots, threshold: number | undefined, was: Signers): Signers => ({
      keys: given.keys.length > 0 ? given.keys : was.keys,
      threshold: threshold ?? was.threshold,
    });
    const root = makeRoot({
      version: before.signed.version + 1,
      root: next(roots, options.threshold, signersOf(before, 'root')),
      targets: next(targets, options.targetsThreshold, signersOf(before, 'targets')),
      online: await client.packages.onlineKey(options.onlineKey ?? false),
      expires: until,
    });
    const published = parseMetadata('targets', current.targets, 'targets').signed;
    const anew = targets.signing.length > 0 && makeTargets(published.version + 1, published.targets, until);
    const view = await client.packages.rotate({
      root: signed(root, [...(await keysOf(options.key)), ...roots.signing]).toString(),
      ...(anew && { targets: signed(anew, targets.signing).toString() }),
    });
    return printRepository(context, view);
  },
});
