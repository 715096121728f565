import { plural } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';

/** Shuts a host's agent out. */
export const verb = defineVerb({
  examples: [
    ['coax host revoke h7', "h7's key was stolen, or h7 is given away: its key opens nothing from now on"],
    ['coax host revoke h7 -o json', 'for a program'],
  ],
  details: [
    'Its sessions end at once, what its worker holds is given back, and the host is down. Its VMs run on. `coax host token h7` makes a token by which it joins anew, with a new key.',
  ],
  args: [{ name: '<host>', about: 'Name of the host', completes: 'host' }],
  async run(context, [host = '']) {
    const { out } = context;
    const revoked = await (await context.client()).revokeAgent(host);
    await out.object(revoked, host, () =>
      out.line(`${host} is shut out; ${plural(revoked.sessions, 'session')} ended`),
    );
    return 0;
  },
});
