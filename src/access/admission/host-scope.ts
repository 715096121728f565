import { agentWorkerName } from '../../api/agent.ts';
import type { ClaimRef } from '../../channel/channel.ts';
import type { Agents } from '../../cloud/agents/agents.ts';
import type { Principal } from '../../identity/principal.ts';
import { addressOf, hostOf } from '../../message/address.ts';
import { isGroup, type Message, type Parameters, type Plan } from '../../message/message.ts';
import { parametersOf } from '../../message/parameters.ts';
import type { Store } from '../../store/store.ts';
import { forbidden } from './admit.ts';

/** Whom the token of a host's session stands for; null when it is none. */
export async function hostPrincipal(
  agents: Pick<Agents, 'hostOf'>,
  token: string,
): Promise<Principal | null> {
  const host = await agents.hostOf(token);
  return host === null ? null : { actor: agentWorkerName(host), host, grants: [] };
}

/**
 * What the session of a host may do in the worker protocol: claim and finish the steps that are addressed to that host, under
 * the name of its own worker. A key that was stolen from one host opens nothing of another's. Where `host` is null a person
 * asks, and nothing is refused. Errors: COAX_FORBIDDEN.
 */
export function assertOwnWorker(host: string | null, worker: string): void {
  if (host !== null && worker !== agentWorkerName(host)) {
    throw forbidden(host, `its worker is ${agentWorkerName(host)}, not ${worker}`);
  }
}

export function assertOwnAddresses(host: string | null, addresses: readonly string[]): void {
  if (host === null) return;
  const other = addresses.find(address => hostOf(address) !== host);
  if (other !== undefined) throw forbidden(host, `${other} is not an address at it`);
}

/** A claim that is over already is nobody's: the answer to it says so, whoever asks. */
export async function assertHeldBy(
  host: string | null,
  store: Pick<Store, 'message'>,
  claims: readonly ClaimRef[],
): Promise<void> {
  if (host === null) return;
  for (const { msgid, fence } of claims) {
    const message = await store.message(msgid);
    if (message !== null && message.fence === fence) assertOwnMessage(host, message);
  }
}

/** Its worker holds the message, and the step is one at this host. */
export function assertOwnMessage(host: string | null, message: Message): void {
  if (host === null) return;
  const address = addressOf(message, message.plan);
  if (message.worker === agentWorkerName(host) && address !== null && hostOf(address) === host) return;
  throw forbidden(host, `message ${message.msgid} does not stand at it, in its worker's hands`);
}

/** The output of a step may not send the steps after it to another host. */
export function assertSendsNowhere(host: string | null, message: Message, set: Parameters): void {
  if (host === null) return;
  const now = parametersOf(message);
  const sent = [...hostParameters(message.plan)].find(name => name in set && set[name] !== now[name]);
  if (sent !== undefined) throw forbidden(host, `the parameter ${sent} says at which host steps are done`);
}

/** Names of the parameters by which the steps of a plan are addressed. */
function hostParameters(plan: Plan): Set<string> {
  const names = new Set<string>();
  for (const step of plan.steps) {
    if (!isGroup(step)) {
      if (step.at !== undefined) names.add(step.at);
    } else {
      for (const branch of 'all' in step ? step.all : [step])
        for (const name of hostParameters(branch)) names.add(name);
    }
  }
  return names;
}
