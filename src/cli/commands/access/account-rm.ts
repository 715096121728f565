import { defineVerb } from '../../verb.ts';

/** Removes a service account. */
export const verb = defineVerb({
  examples: [
    ['coax account rm ci', 'with its tokens and roles; its name in the ledger stays'],
    ['coax account rm sa/ci', 'the same'],
  ],
  args: [{ name: '<name>', about: 'Name of the account' }],
  async run(context, [given = '']) {
    const { out } = context;
    const name = given.replace(/^sa\//, '');
    const done = await (await context.client()).access.removeAccount(name);
    await out.object(done, name, () => out.line(`sa/${name} is removed`));
    return 0;
  },
});
