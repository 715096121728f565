import type { Parameters } from '../../../message/message.ts';
import { PARTLY_DONE } from '../../live/outcome.ts';
import { plain } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';
import { afterDecision, type DecisionOptions, REASON, WAIT } from '../message/decision.ts';
import { WAIT_STATUSES } from '../message/wait.ts';
import { submitForHost } from './submit-for-host.ts';

/** Empties a host. */
export const verb = defineVerb<DecisionOptions & { partial?: boolean }>({
  examples: [
    ['coax host drain h7 --reason "new memory" --wait', 'and look on as its VMs move'],
    ['coax host drain h7 --partial', 'move those that can, though others cannot'],
  ],
  details: [
    'First each VM is looked at: if one cannot move (no other host fits, or it asks for this host), nothing is done and the message says which and why, unless --partial is given. A VM whose move fails runs on where it was, and the others move; with --wait it is named, and the exit status is 11. `coax cancel` brings back those that were moved. A host that is lost can be drained too: its VMs are made on others.',
  ],
  args: [{ name: '<host>', about: 'Name of the host', completes: 'host' }],
  options: [REASON, { flags: '--partial', about: 'Move those that can' }, ...WAIT],
  statuses: WAIT_STATUSES,
  async run(context, [host = ''], options) {
    const client = await context.client();
    const parameters = { host, reason: options.reason ?? '', partial: options.partial ?? false };
    const message = await submitForHost(client, 'drain_host', parameters);
    const status = await afterDecision(context, client, message, `accepted: drain_host ${host}`, options);
    if (!options.wait || (status !== 0 && status !== PARTLY_DONE)) return status;
    const left = notMoved((await client.message(message.msgid)).parameters);
    for (const line of left) context.out.hint(`not moved: ${line}`);
    return left.length === 0 ? status : PARTLY_DONE;
  },
});

/** The VMs that are still there: those that could not move from the start, and those whose move failed. */
function notMoved({ stuck, not_moved: failed }: Parameters): string[] {
  const lines = (list: unknown, name: string): string[] =>
    (Array.isArray(list) ? list : []).map(vm => `${plain(String(vm[name]))}: ${plain(String(vm.reason))}`);
  return [...lines(stuck, 'vm'), ...lines(failed, 'item')];
}
