import { defineVerb } from '../../verb.ts';

/** placeholder */
export const verb = defineVerb({
  examples: [
    ['coax worker', ''],
    ['coax worker', ''],
  ],
  async run() {
    return 0;
  },
});
