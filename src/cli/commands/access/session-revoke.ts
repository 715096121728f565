import { defineVerb } from '../../verb.ts';

/** Ends a session. */
export const verb = defineVerb({
  examples: [
    ['coax session revoke 4f1d0c2b9a7e6538', 'it opens nothing any more'],
    ['for id in $(coax session ls -o name); do coax session revoke $id; done', 'all of them'],
  ],
  details: ['The person may log in again as long as the provider, or their token, lets them.'],
  args: [{ name: '<id>', about: 'As `coax session ls` lists it' }],
  async run(context, [id = '']) {
    const { out } = context;
    const done = await (await context.client()).access.revokeSession(id);
    await out.object(done, id, () => out.line(`${id} is ended`));
    return 0;
  },
});
