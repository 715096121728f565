import { defineVerb } from '../../verb.ts';
import { afterDecision, type DecisionOptions, REASON, WAIT } from '../message/decision.ts';
import { WAIT_STATUSES } from '../message/wait.ts';

/** Empties a host. */
export const verb = defineVerb<DecisionOptions & { partial?: boolean }>({
  examples: [
    ['coax host drain h7 --reason "new memory" --wait', 'and look on as its VMs move'],
    ['coax host drain h7 --partial', 'move those that can, though others cannot'],
  ],
  details: [
    'First each VM is looked at: if one cannot move (no other host fits, or it asks for this host), nothing is done and the message says which and why, unless --partial is given. `coax cancel` brings back those that were moved. A host that is lost can be drained too: its VMs are made on others.',
  ],
  args: [{ name: '<host>', about: 'Name of the host', completes: 'host' }],
  options: [REASON, { flags: '--partial', about: 'Move those that can' }, ...WAIT],
  statuses: WAIT_STATUSES,
  async run(context, [host = ''], options) {
    const client = await context.client();
    const parameters = { host, reason: options.reason ?? '', partial: options.partial ?? false };
    const message = await client.submit({ flow: 'drain_host', parameters });
    return afterDecision(context, client, message, `accepted: drain_host ${host}`, options);
  },
});
