import { defineVerb } from '../../verb.ts';
import { afterDecision, type DecisionOptions, WAIT } from '../message/decision.ts';
import { WAIT_STATUSES } from '../message/wait.ts';
import { submitForHost } from './submit-for-host.ts';

/** Ends the draining of a host. */
export const verb = defineVerb<DecisionOptions & { return?: boolean }>({
  examples: [
    ['coax host undrain h7', 'it takes VMs again'],
    ['coax host undrain h7 --return --wait', 'and those that were moved away move back'],
  ],
  args: [{ name: '<host>', about: 'Name of the host', completes: 'host' }],
  options: [{ flags: '--return', about: 'Move back the VMs that its draining moved away' }, ...WAIT],
  statuses: WAIT_STATUSES,
  async run(context, [host = ''], options) {
    const client = await context.client();
    const parameters = { host, back: options.return ?? false };
    const message = await submitForHost(client, 'undrain_host', parameters);
    return afterDecision(context, client, message, `accepted: undrain_host ${host}`, options);
  },
});
