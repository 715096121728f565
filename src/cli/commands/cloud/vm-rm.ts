import { defineVerb } from '../../verb.ts';
import { afterDecision, type DecisionOptions, REASON, WAIT } from '../message/decision.ts';

/** Removes a VM: reverts the message that made it. */
export const verb = defineVerb<DecisionOptions>({
  examples: [
    ['coax vm rm web-3', 'gives back its host, address and name too'],
    ['coax vm rm web-3 --reason "no longer needed" --wait', 'and wait until it is gone'],
  ],
  args: [{ name: '<vm>', about: 'Name, or first digits of the uuid', completes: 'vm' }],
  options: [REASON, ...WAIT],
  statuses: [
    [0, 'asked; with --wait: removed'],
    [3, 'there is no such VM'],
    [9, 'with --wait: an undo failed; a person must decide'],
  ],
  async run(context, [name = ''], options) {
    const client = await context.client();
    const message = await client.removeVm(name, { reason: options.reason ?? '' });
    return afterDecision(
      context,
      client,
      message,
      `removing ${name}: message ${message.msgid} is being reverted`,
      options,
      'rolled_back',
    );
  },
});
