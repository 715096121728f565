import { CoaxError } from '../../../errors/coax-error.ts';
import { defineVerb } from '../../verb.ts';
import { afterDecision, type DecisionOptions, REASON, WAIT } from '../message/decision.ts';
import { WAIT_STATUSES } from '../message/wait.ts';
import { submitForHost } from './submit-for-host.ts';

/** Declares a host lost. */
export const verb = defineVerb<DecisionOptions & { fenced?: boolean }>({
  examples: [
    ['coax host lost h7 --reason "mainboard dead, power is cut" --fenced', 'nothing waits for it any more'],
    ['coax host lost h7 --reason "mainboard dead" --fenced --wait', 'and wait until that is written'],
  ],
  details: [
    'Messages whose step is at that host fail there and walk back; guests that they would delete there are written down as owed. Claims and addresses are given back, so another VM may soon have the address of one that ran there. So first make sure that nothing runs there any more: cut its power, or its network. --fenced says that you did.',
    'VMs that ran there stay on record; `coax host drain` moves them. When the host returns, what it owes is deleted before it is up: by itself where an agent reports, else by `coax host reconcile HOST --apply`.',
  ],
  args: [{ name: '<host>', about: 'Name of the host', completes: 'host' }],
  options: [
    { ...REASON, about: 'What happened; stands in the ledger', required: true },
    { flags: '--fenced', about: 'Nothing runs there any more: its power or its network is cut' },
    ...WAIT,
  ],
  statuses: WAIT_STATUSES,
  async run(context, [host = ''], options) {
    if (!options.fenced) {
      throw new CoaxError('COAX_USAGE', `it is not said that ${host} is fenced`, {
        where: '--fenced',
        hint: 'Cut its power or its network, then say --fenced: a guest that still ran there would share its address with another.',
      });
    }
    const client = await context.client();
    const parameters = { host, reason: options.reason ?? '', fenced: true };
    const message = await submitForHost(client, 'lose_host', parameters);
    return afterDecision(context, client, message, `accepted: lose_host ${host}`, options);
  },
});
