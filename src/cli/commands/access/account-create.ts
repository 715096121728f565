import { defineVerb } from '../../verb.ts';
import { INSTALLATION_OPTION, placeOf } from './where.ts';

/** Makes a service account. */
export const verb = defineVerb<{ about?: string; installation?: boolean }>({
  examples: [
    [
      'coax account create ci --project web --about "deploys the shop"',
      'admins of web may make tokens of it',
    ],
    ['coax account create backup --installation', 'only admins of the installation may'],
  ],
  details: [
    'It has no roles yet: `coax role grant sa/NAME ROLE` gives one, `coax token create T --for sa/NAME` makes a token. Tokens come and go, the name in the ledger stays.',
  ],
  args: [{ name: '<name>', about: 'Name of the account; in the ledger sa/NAME' }],
  options: [{ flags: '--about <text>', about: 'What it is for' }, INSTALLATION_OPTION],
  async run(context, [name = ''], { about, installation }) {
    const { out } = context;
    const project = placeOf(context, installation);
    const made = await (await context.client()).access.createAccount({
      name,
      project,
      ...(about && { about }),
    });
    await out.object(made, made.name, () => {
      out.line(`sa/${made.name}`);
      out.hint(`no role yet: \`coax role grant sa/${made.name} operator --project P\``);
    });
    return 0;
  },
});
