import { defineVerb } from '../../verb.ts';
import { printSecretKeys } from './secret-key-table.ts';

/** Has old secrets come under the newest key. */
export const verb = defineVerb({
  examples: [
    ['coax secret-key reseal', 'after `coax secret-key rotate`: old secrets need the old key no more'],
    ['coax secret-key reseal -o json', 'for a program'],
  ],
  details: [
    'Values are sealed with data keys, and those are wrapped by a key of the key file. This wraps all of them by the newest one, in one transaction: it may be ended at any point and begun again. The ledger, archives and copies stay as they are, and are opened by the newest key from then on.',
    'Where several servers share a store, give each the new key file first. What somebody copied before, the store together with the old key, they can still open: change the secrets themselves where that may be.',
  ],
  async run(context) {
    await printSecretKeys(context, await (await context.client()).resealSecretKey());
    return 0;
  },
});
