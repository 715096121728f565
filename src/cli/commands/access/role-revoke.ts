import { defineVerb } from '../../verb.ts';
import { INSTALLATION_OPTION, placeOf, placeText } from './where.ts';

/** Takes a role away. */
export const verb = defineVerb<{ installation?: boolean }>({
  examples: [
    ['coax role revoke alice@example.org --project web', 'whatever role it is'],
    ['coax role revoke group:ops --installation', 'the role in the whole installation'],
  ],
  args: [{ name: '<subject>', about: 'A person, group:NAME, or sa/NAME' }],
  options: [INSTALLATION_OPTION],
  async run(context, [subject = ''], { installation }) {
    const { out } = context;
    const project = placeOf(context, installation);
    const done = await (await context.client()).access.withdrawRole({ subject, project });
    await out.object(done, subject, () => out.line(`${subject} has no role in ${placeText(project)}`));
    return 0;
  },
});
