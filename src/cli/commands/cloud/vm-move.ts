import { defineVerb } from '../../verb.ts';
import { afterDecision, type DecisionOptions, WAIT } from '../message/decision.ts';
import { WAIT_STATUSES } from '../message/wait.ts';

/** Moves a VM. */
export const verb = defineVerb<DecisionOptions & { to?: string }>({
  examples: [
    ['coax vm move web-3 --wait', 'to the host that suits best'],
    ['coax vm move web-3 --to h7', 'to that one'],
  ],
  details: [
    'The VM is powered down, made on the other host with the same name, addresses and uuid, and booted there. If anything fails, it runs again where it was.',
  ],
  args: [{ name: '<vm>', about: 'Name, or first digits of the uuid', completes: 'vm' }],
  options: [{ flags: '--to <host>', about: 'Where to', completes: 'host' }, ...WAIT],
  statuses: WAIT_STATUSES,
  async run(context, [word = ''], options) {
    const client = await context.client();
    const { name, project } = await client.vm(word);
    const message = await client.submit({
      flow: 'move_vm',
      parameters: { name, to: options.to ?? '' },
      project,
    });
    return afterDecision(context, client, message, `accepted: move_vm ${name}`, options);
  },
});
