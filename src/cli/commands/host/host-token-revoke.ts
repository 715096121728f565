import { defineVerb } from '../../verb.ts';

/** Takes a join token back before anybody has used it. */
export const verb = defineVerb({
  examples: [
    [
      'coax host token revoke 3fa9c07b21de',
      'it was sent to the wrong person: nobody can join by it any more',
    ],
    ['coax host token revoke 3fa9c07b21de -o json', 'for a program'],
  ],
  details: [
    'Of a token by which a host has joined nothing is left to take back: `coax host revoke HOST` shuts that host out.',
  ],
  args: [{ name: '<id>', about: 'As in `coax host token ls`' }],
  statuses: [
    [0, 'revoked'],
    [3, 'there is no such token'],
  ],
  async run(context, [id = '']) {
    const { out } = context;
    await (await context.client()).revokeJoinToken(id);
    await out.object({ id, revoked: true }, id, () => out.line(`nobody can join by ${id} any more`));
    return 0;
  },
});
