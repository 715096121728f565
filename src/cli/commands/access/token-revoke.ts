import { defineVerb } from '../../verb.ts';

/** Ends an API token. */
export const verb = defineVerb({
  examples: [
    ['coax token revoke laptop', 'it opens nothing from now on'],
    ['coax token ls -o name | xargs -n1 coax token revoke', 'every token that you may end'],
  ],
  details: ['Every server refuses it within a second; streams that it opened end within fifteen.'],
  args: [{ name: '<name>', about: 'Name of the token' }],
  async run(context, [name = '']) {
    const { out } = context;
    const done = await (await context.client()).access.revokeToken(name);
    await out.object(done, name, () => out.line(`${name} is revoked`));
    return 0;
  },
});
