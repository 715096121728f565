import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';
import { placeText } from './where.ts';

/** One API token, without what opens something. */
export const verb = defineVerb({
  examples: [
    ['coax token show laptop', 'whose it is, what it opens, when it was used'],
    ['coax token show laptop -o json', 'for a program'],
  ],
  args: [{ name: '<name>', about: 'Name of the token' }],
  async run(context, [name = '']) {
    const { out } = context;
    const token = await (await context.client()).access.token(name);
    await out.object(token, token.name, () =>
      out.fields([
        ['name', cell(token.name)],
        ['prefix', cell(token.prefix)],
        ['actor', cell(token.actor)],
        ['role', token.role ?? "the account's"],
        ['project', cell(placeText(token.project))],
        ['created', `${token.created} by ${cell(token.createdBy)}`],
        ['expires', token.expires ?? 'never'],
        ['revoked', token.revoked],
        ['last used', token.lastUsed ?? 'never'],
      ]),
    );
    return 0;
  },
});
