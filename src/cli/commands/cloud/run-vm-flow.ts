import { defineVerb, type Verb } from '../../verb.ts';
import { afterDecision, type DecisionOptions, WAIT } from '../message/decision.ts';
import { WAIT_STATUSES } from '../message/wait.ts';

/** A verb that runs a flow on one VM: every change of a VM is a message. */
export function vmFlowVerb(name: string, flow: string, does: string): Verb {
  return defineVerb<DecisionOptions & { key?: string }>({
    examples: [
      [`coax vm ${name} web-3`, does],
      [`coax vm ${name} web-3 --wait`, 'and wait until that is done'],
    ],
    details: [`The same as \`coax run ${flow} name=VM\`: a message, with a log, that can be reverted.`],
    args: [{ name: '<vm>', about: 'Name, or first digits of the uuid', completes: 'vm' }],
    options: [...WAIT],
    statuses: WAIT_STATUSES,
    async run(context, [word = ''], options) {
      const client = await context.client();
      const vm = await client.vm(word);
      const message = await client.submit({ flow, parameters: { name: vm.name }, project: vm.project });
      return afterDecision(context, client, message, `accepted: ${flow} ${vm.name}`, options);
    },
  });
}
