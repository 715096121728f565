import type { RoleView } from '../../../api/access/identity.ts';
import { everyPage } from '../../../client/every-page.ts';
import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';
import { INSTALLATION_OPTION, placeText, placeToList } from './where.ts';

/** Lists who has which role. */
export const verb = defineVerb<{ installation?: boolean }>({
  examples: [
    ['coax role ls', 'wherever you give rights'],
    ['coax role ls --project web', 'in one project'],
  ],
  options: [INSTALLATION_OPTION],
  async run(context, _args, { installation }) {
    const { access } = await context.client();
    const project = placeToList(context, installation);
    const list = await everyPage(query => access.roles({ ...query, project }));
    await context.out.list(list, {
      columns: [
        { head: 'SUBJECT', cell: (role: RoleView) => cell(role.subject) },
        { head: 'ROLE', cell: (role: RoleView) => role.role },
        { head: 'PROJECT', cell: (role: RoleView) => cell(placeText(role.project)) },
        { head: 'GIVEN BY', cell: (role: RoleView) => cell(role.createdBy) },
      ],
      name: role => role.subject,
      empty: 'nobody has a role but the tokens',
    });
    return 0;
  },
});
