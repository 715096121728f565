import { plain, plural } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';
import { afterDecision, WAIT } from '../message/decision.ts';
import { WAIT_STATUSES } from '../message/wait.ts';
import { hostsOn, ON, type OnOptions } from './on-hosts.ts';

/** Switches a package on hosts back to its version of before. */
export const verb = defineVerb<OnOptions>({
  examples: [
    [
      'coax package rollback web --on h7 --wait',
      'back to the version before, with what changed together with it',
    ],
    ['coax package rollback web --on disk=ssd', 'on all that have such labels'],
  ],
  details: [
    'Nothing is fetched: the version of before lies on the host still. Hooks and health checks run as in an install, and twice is where it began. To take back one install on all its hosts, revert its message: `coax revert MSGID`.',
  ],
  args: [{ name: '<package>', about: 'Its name' }],
  options: [ON, ...WAIT],
  statuses: WAIT_STATUSES,
  async run(context, [name = ''], options) {
    const client = await context.client();
    const hosts = await hostsOn(client, context.out, options.on);
    const message = await client.submit({ flow: 'rollback_package', parameters: { hosts, package: name } });
    const said = `accepted: rollback_package ${plain(name)} on ${plural(hosts.length, 'host')}`;
    return afterDecision(context, client, message, said, options);
  },
});
