import { everyPage } from '../../../client/every-page.ts';
import { defineVerb } from '../../verb.ts';
import { printSecretKeys } from './secret-key-table.ts';

/** Lists the keys that secrets are sealed with. */
export const verb = defineVerb({
  examples: [
    ['coax secret-key ls', 'which keys there are, and how many messages may still need each'],
    ['coax secret-key ls -o json', 'for a program'],
  ],
  details: [
    'The keys themselves are in one file beside the store, secret-keys.json of the data directory or what --secret-key-file of `coax up` names, and nowhere else: keep a copy of it apart from copies of the store.',
  ],
  async run(context) {
    const client = await context.client();
    await printSecretKeys(context, await everyPage(query => client.secretKeys(query)));
    return 0;
  },
});
