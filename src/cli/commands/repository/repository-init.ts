import { makeRoot, makeTargets, SIGNED_MS, signed } from '../../../package/repository/metadata.ts';
import { defineVerb, lengthOfTime, wholeNumber } from '../../verb.ts';
import { printRepository } from './print-repository.ts';
import { someKeys } from './trust.ts';

interface Options {
  readonly rootKey: readonly string[];
  readonly threshold: number;
  readonly targetsKey: readonly string[];
  readonly targetsThreshold: number;
  readonly expires?: number;
}

export const SIGNER_OPTIONS = {
  rootKey: 'A key of the root: its file, or the public half of one that is elsewhere; may be given again',
  threshold: 'So many keys of the root must sign the next root',
  targetsKey: 'A key that may sign packages, likewise; may be given again',
  targetsThreshold: 'So many of them must sign',
  expires: 'How long the signatures hold, as in 90d (default 365d)',
} as const;

/** Begins the repository of host packages. */
export const verb = defineVerb<Options>({
  examples: [
    [
      'coax repository init --root-key root.key --targets-key targets.key',
      'one key each: enough to try it out',
    ],
    [
      'coax repository init --root-key a.key --root-key b.key --root-key PUBLIC --threshold 2 --targets-key targets.key',
      'two of three people must agree on the next root',
    ],
  ],
  details: [
    'Metadata is that of The Update Framework. The keys that are given sign here and never leave this machine. The server signs snapshots and timestamps with a key of its own, which the root names.',
  ],
  options: [
    {
      flags: '--root-key <key>',
      about: SIGNER_OPTIONS.rootKey,
      repeats: true,
      required: true,
      completes: 'file',
    },
    { flags: '--threshold <n>', about: SIGNER_OPTIONS.threshold, default: 1, parse: wholeNumber(1) },
    {
      flags: '--targets-key <key>',
      about: SIGNER_OPTIONS.targetsKey,
      repeats: true,
      required: true,
      completes: 'file',
    },
    {
      flags: '--targets-threshold <n>',
      about: SIGNER_OPTIONS.targetsThreshold,
      default: 1,
      parse: wholeNumber(1),
    },
    { flags: '--expires <time>', about: SIGNER_OPTIONS.expires, parse: lengthOfTime },
  ],
  async run(context, _, { rootKey, threshold, targetsKey, targetsThreshold, expires = SIGNED_MS }) {
    const root = await someKeys(rootKey);
    const targets = await someKeys(targetsKey);
    const { packages } = await context.client();
    const until = Date.now() + expires;
    const metadata = makeRoot({
      version: 1,
      root: { keys: root.keys, threshold },
      targets: { keys: targets.keys, threshold: targetsThreshold },
      online: await packages.onlineKey(),
      expires: until,
    });
    const view = await packages.init({
      root: signed(metadata, root.signing).toString(),
      targets: signed(makeTargets(1, {}, until), targets.signing).toString(),
    });
    return printRepository(context, view);
  },
});
