import { defineVerb } from '../../verb.ts';

/** Removes a webhook. */
export const verb = defineVerb({
  examples: [
    ['coax webhook rm wh_1f0a9c3b5d7e2468', 'nothing is sent there any more'],
    ['coax webhook rm wh_1f0a9c3b5d7e2468 -o json', 'for a program'],
  ],
  details: ['What still waits for it is forgotten, and so is what was given up.'],
  args: [{ name: '<webhook>', about: 'Its id' }],
  async run(context, [id = '']) {
    const removed = await (await context.client()).webhooks.remove(id);
    await context.out.object(removed, id, () => context.out.line(`${id} is removed`));
    return 0;
  },
});
