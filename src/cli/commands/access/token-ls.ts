import type { TokenView } from '../../../api/access/identity.ts';
import { everyPage } from '../../../client/every-page.ts';
import { cell, type Output } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';
import { INSTALLATION_OPTION, placeText, placeToList } from './where.ts';

/** Lists API tokens. */
export const verb = defineVerb<{ all?: boolean; installation?: boolean }>({
  examples: [
    ['coax token ls', 'every token that is good, as far as you give rights'],
    ['coax token ls --project web --all', 'those of one project, revoked and expired ones too'],
  ],
  options: [{ flags: '-a, --all', about: 'Those that are no longer good, too' }, INSTALLATION_OPTION],
  async run(context, _args, { all = false, installation }) {
    const { out } = context;
    const { access } = await context.client();
    const project = placeToList(context, installation);
    const list = await everyPage(query => access.tokens({ ...query, all, project }));
    await out.list(list, { columns: columns(out), name: token => token.name, empty: 'no token' });
    return 0;
  },
});

const columns = (out: Output) => [
  { head: 'NAME', cell: (token: TokenView) => cell(token.name) },
  { head: 'PREFIX', cell: (token: TokenView) => cell(token.prefix) },
  { head: 'ACTOR', cell: (token: TokenView) => cell(token.actor) },
  { head: 'ROLE', cell: (token: TokenView) => token.role ?? "(the account's)" },
  { head: 'PROJECT', cell: (token: TokenView) => cell(placeText(token.project)) },
  {
    head: out.timeHead('EXPIRES', 'EXPIRES'),
    cell: (token: TokenView) =>
      token.revoked !== null ? 'revoked' : token.expires === null ? 'never' : token.expires.slice(0, 16),
  },
  {
    head: out.timeHead('USED', 'LAST USED'),
    cell: (token: TokenView) => (token.lastUsed === null ? 'never' : out.time(token.lastUsed)),
  },
];
