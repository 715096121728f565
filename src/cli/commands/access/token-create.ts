import type { RoleName } from '../../../api/access/identity.ts';
import { defineVerb, lengthOfTime } from '../../verb.ts';
import { INSTALLATION_OPTION, placeOf, placeText } from './where.ts';

interface CreateOptions {
  readonly role?: RoleName;
  readonly for?: string;
  readonly expires?: number;
  readonly installation?: boolean;
}

/** Makes an API token. */
export const verb = defineVerb<CreateOptions>({
  examples: [
    ['coax token create laptop --role operator --project web', 'submits and decides in the project web'],
    ['coax token create ci-1 --for sa/ci --expires 30d', 'has the roles of a service account'],
    ['coax token create metrics --role viewer --installation', 'sees everything'],
    ['COAX_TOKEN=$(coax token create t --role viewer -o name) coax ls', 'the token alone, for a script'],
  ],
  details: [
    'The token is printed once, on standard output; the server keeps its SHA-256. In the ledger it stands as token/NAME, or as the service account that it is for.',
    'viewer sees; operator also submits and decides; admin also gives rights; worker does steps and sees nothing else, and is always of the whole installation.',
  ],
  args: [{ name: '<name>', about: 'Name of the token' }],
  options: [
    {
      flags: '--role <role>',
      about: 'What it opens; may be left out with --for',
      choices: ['viewer', 'operator', 'admin', 'worker'],
    },
    { flags: '--for <account>', about: 'The service account that it is for: sa/NAME' },
    { flags: '--expires <time>', about: 'It is good for so long (12h, 30d)', parse: lengthOfTime },
    INSTALLATION_OPTION,
  ],
  async run(context, [name = ''], options) {
    const { out } = context;
    const client = await context.client();
    const made = await client.access.createToken({
      name,
      project: placeOf(context, options.installation || options.role === 'worker'),
      ...(options.role !== undefined && { role: options.role }),
      ...(options.for !== undefined && { account: options.for.replace(/^sa\//, '') }),
      ...(options.expires !== undefined && { ttlMs: options.expires }),
    });
    await out.object(made, made.token, () => {
      out.line(made.token);
      const role =
        made.role === null ? `the roles of ${made.actor}` : `${made.role}, ${placeText(made.project)}`;
      out.hint(
        `shown this once; ${role}; ${made.expires === null ? 'does not expire' : `good until ${made.expires}`}`,
      );
    });
    return 0;
  },
});
