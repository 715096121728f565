import { plain, plural } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';
import { afterDecision, WAIT } from '../message/decision.ts';
import { WAIT_STATUSES } from '../message/wait.ts';
import { hostsOn, ON, type OnOptions } from './on-hosts.ts';

/** Takes a package from hosts. */
export const verb = defineVerb<OnOptions>({
  examples: [
    ['coax package remove web --on h7 --wait', 'unless another package there needs it'],
    ['coax package remove web --on disk=ssd', 'on all that have such labels'],
  ],
  details: ['Until `coax package gc` it stays on the host, and `coax package rollback` brings it back.'],
  args: [{ name: '<package>', about: 'Its name' }],
  options: [ON, ...WAIT],
  statuses: WAIT_STATUSES,
  async run(context, [name = ''], options) {
    const client = await context.client();
    const hosts = await hostsOn(client, context.out, options.on);
    const message = await client.submit({ flow: 'remove_package', parameters: { hosts, package: name } });
    const said = `accepted: remove_package ${plain(name)} on ${plural(hosts.length, 'host')}`;
    return afterDecision(context, client, message, said, options);
  },
});
