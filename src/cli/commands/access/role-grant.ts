import type { RoleName } from '../../../api/access/identity.ts';
import { defineVerb } from '../../verb.ts';
import { INSTALLATION_OPTION, placeOf, placeText } from './where.ts';

/** Gives somebody a role. */
export const verb = defineVerb<{ installation?: boolean }>({
  examples: [
    ['coax role grant alice@example.org operator --project web', 'a person, as the login names them'],
    ['coax role grant sa/ci operator --project web', 'a service account'],
    ['coax role grant group:ops admin --installation', 'whoever the login says is in the group ops'],
  ],
  details: ['One subject has one role in one project: another one takes its place.'],
  args: [
    { name: '<subject>', about: 'A person, group:NAME, or sa/NAME' },
    { name: '<role>', about: 'What they may do', choices: ['viewer', 'operator', 'admin', 'worker'] },
  ],
  options: [INSTALLATION_OPTION],
  async run(context, [subject = '', role], { installation }) {
    const { out } = context;
    const project = placeOf(context, installation);
    const done = await (await context.client()).access.grantRole({
      subject,
      project,
      role: role as RoleName,
    });
    await out.object(done, subject, () => out.line(`${subject} is ${role} of ${placeText(project)}`));
    return 0;
  },
});
