import type { SessionView } from '../../../api/access/identity.ts';
import { everyPage } from '../../../client/every-page.ts';
import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';

/** Lists the sessions of people. */
export const verb = defineVerb({
  examples: [
    ['coax session ls', 'who is logged in, and until when'],
    ['coax session ls -o json', 'for a program'],
  ],
  async run(context) {
    const { out } = context;
    const { access } = await context.client();
    const list = await everyPage(query => access.sessions(query));
    await out.list(list, {
      columns: [
        { head: 'ID', cell: (session: SessionView) => session.id },
        { head: 'ACTOR', cell: (session: SessionView) => cell(session.actor) },
        { head: 'BY', cell: (session: SessionView) => session.by },
        {
          head: out.timeHead('AGE', 'CREATED'),
          right: true,
          cell: (session: SessionView) => out.time(session.created),
        },
        { head: 'LOOKED AT', cell: (session: SessionView) => cell(session.looked) },
        { head: 'EXPIRES', cell: (session: SessionView) => session.expires },
      ],
      name: session => session.id,
      empty: 'nobody is logged in',
    });
    return 0;
  },
});
