import { defineVerb } from '../../verb.ts';
import { afterDecision, type DecisionOptions, REASON, WAIT } from '../message/decision.ts';
import { findReservation } from './find-reservation.ts';

/** Gives a reservation up. */
export const verb = defineVerb<DecisionOptions>({
  examples: [
    ['coax reservation rm black-friday', 'its free places are given back'],
    ['coax reservation rm black-friday --reason over --wait', 'and wait until they are'],
  ],
  details: ['VMs that have taken places keep them; what a VM has is given back when the VM is removed.'],
  args: [{ name: '<name>', about: 'Name of the reservation' }],
  options: [REASON, ...WAIT],
  statuses: [
    [0, 'asked; with --wait: given back'],
    [3, 'there is no such reservation'],
  ],
  async run(context, [name = ''], options) {
    const client = await context.client();
    const { msgid } = await findReservation(client, name);
    const message = await client.revert(msgid, { reason: options.reason ?? '' });
    const text = `giving ${name} up: message ${msgid} is being reverted`;
    return afterDecision(context, client, message, text, options, 'rolled_back');
  },
});
