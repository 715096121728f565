import type { AccountView } from '../../../api/access/identity.ts';
import { everyPage } from '../../../client/every-page.ts';
import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';
import { INSTALLATION_OPTION, placeText, placeToList } from './where.ts';

/** Lists service accounts. */
export const verb = defineVerb<{ installation?: boolean }>({
  examples: [
    ['coax account ls', 'all that you may change'],
    ['coax account ls --project web', 'those of one project'],
  ],
  options: [INSTALLATION_OPTION],
  async run(context, _args, { installation }) {
    const { access } = await context.client();
    const project = placeToList(context, installation);
    const list = await everyPage(query => access.accounts({ ...query, project }));
    await context.out.list(list, {
      columns: [
        { head: 'NAME', cell: (account: AccountView) => `sa/${cell(account.name)}` },
        { head: 'PROJECT', cell: (account: AccountView) => cell(placeText(account.project)) },
        { head: 'ABOUT', cell: (account: AccountView) => cell(account.about) },
      ],
      name: account => `sa/${account.name}`,
      empty: 'no service account',
    });
    return 0;
  },
});
