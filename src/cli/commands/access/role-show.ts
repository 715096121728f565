import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';
import { INSTALLATION_OPTION, placeOf, placeText } from './where.ts';

/** The role that somebody has in one place. */
export const verb = defineVerb<{ installation?: boolean }>({
  examples: [
    ['coax role show alice@example.org --project web', 'which role she has there, and who gave it'],
    ['coax role show group:ops --installation -o json', 'for a program'],
  ],
  args: [{ name: '<subject>', about: 'A person, group:NAME, or sa/NAME' }],
  options: [INSTALLATION_OPTION],
  async run(context, [subject = ''], { installation }) {
    const { out } = context;
    const role = await (await context.client()).access.role(subject, placeOf(context, installation));
    await out.object(role, role.subject, () =>
      out.fields([
        ['subject', cell(role.subject)],
        ['role', role.role],
        ['project', cell(placeText(role.project))],
        ['given', `${role.created} by ${cell(role.createdBy)}`],
      ]),
    );
    return 0;
  },
});
