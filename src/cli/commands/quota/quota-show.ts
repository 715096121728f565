import { defineVerb } from '../../verb.ts';
import { printQuota } from './quota-table.ts';

/** What a project may have, and what it has. */
export const verb = defineVerb({
  examples: [
    ['coax quota show red', 'what project red may have, and what it has'],
    ['coax quota show', 'the same of the project that --project or COAX_PROJECT names, else of default'],
  ],
  args: [{ name: '[project]', about: 'Name of the project' }],
  async run(context, [project]) {
    const client = await context.client();
    await printQuota(context.out, await client.quota(project));
    return 0;
  },
});
