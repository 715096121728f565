import { defineVerb } from '../../verb.ts';
import { printRepository } from './print-repository.ts';

/** Shows the repository of host packages. */
export const verb = defineVerb({
  examples: [
    ['coax repository show', 'who may sign, and until when it holds'],
    ['coax repository show -o json', 'for a program'],
  ],
  async run(context) {
    return printRepository(context, await (await context.client()).packages.repository());
  },
});
