import { defineVerb } from '../../verb.ts';
import { printSecretKeys } from './secret-key-table.ts';

/** Makes a new key for secrets. */
export const verb = defineVerb({
  examples: [
    ['coax secret-key rotate', 'new secrets are sealed with a new key'],
    ['coax secret-key rotate -o name', 'prints the ids of all keys alone, the new one last'],
  ],
  details: [
    'Secrets of messages that are there already need the key before, until `coax secret-key reseal`; secrets of webhooks are sealed anew. Where several servers share a store, give each the same key file first: one that lacks the new key cannot open what is sealed with it.',
  ],
  async run(context) {
    await printSecretKeys(context, await (await context.client()).rotateSecretKey());
    return 0;
  },
});
