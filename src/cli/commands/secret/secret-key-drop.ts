import { defineVerb } from '../../verb.ts';
import { printSecretKeys } from './secret-key-table.ts';

/** Forgets an old key for secrets. */
export const verb = defineVerb({
  examples: [
    [
      'coax secret-key drop 3f0c9a1be2d47c58',
      'what came under it can never be opened again, in no copy either',
    ],
    ['coax secret-key drop 3f0c9a1be2d47c58 -o json', 'for a program'],
  ],
  details: [
    'Refused for the newest key, and while a message may need it: one that is not rolled back could still be undone. After `coax secret-key reseal` nothing needs it, and nothing is lost by its end. Old finished messages stop needing it when they are archived (`coax archive`).',
  ],
  args: [{ name: '<key>', about: 'Id of the key' }],
  async run(context, [id = '']) {
    await printSecretKeys(context, await (await context.client()).dropSecretKey(id));
    return 0;
  },
});
