import type { HostView } from '../../../api/host.ts';
import type { MessageView } from '../../../api/message.ts';
import type { Client } from '../../../client/client.ts';
import { everyPage } from '../../../client/every-page.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import type { Parameters } from '../../../message/message.ts';
import type { Context } from '../../context.ts';
import type { Output } from '../../output/output.ts';
import { plain, plural } from '../../output/text.ts';
import { lengthOfTime, type VerbOption } from '../../verb.ts';
import { afterDecision, type DecisionOptions } from '../message/decision.ts';

/** Options of verbs that do something on hosts. */
export interface OnOptions extends DecisionOptions {
  readonly on?: string;
}

const ON_ABOUT = 'all, names with commas, or a selector of labels as disk=ssd,zone!=b';

/** For verbs that cannot do without. */
export const ON: VerbOption = { flags: '--on <hosts>', about: ON_ABOUT, required: true, completes: 'host' };
/** For verbs that do something else without it. */
export const MAYBE_ON: VerbOption = { flags: '--on <hosts>', about: ON_ABOUT, completes: 'host' };
export const TIMEOUT: VerbOption = {
  flags: '--timeout <time>',
  about: 'Stop waiting after so long; it goes on',
  parse: lengthOfTime,
};

/**
 * Names of the hosts that `--on` means, sorted. Those that are named are meant in whatever state they are; of those that a selector
 * finds, the down and lost ones are passed over, and named. Errors: COAX_NOT_FOUND when there is none.
 */
export async function hostsOn(client: Client, out: Output, on = ''): Promise<string[]> {
  const all = (query: object) => everyPage(page => client.hosts({ ...page, ...query }));
  const named = on === 'all' ? null : await namedHosts(client, on);
  if (named !== null) return named;
  const { items } = await all(on === 'all' ? {} : { selector: on });
  const isHere = ({ state }: HostView) => state === 'up' || state === 'draining';
  const away = items.filter(host => !isHere(host)).map(({ name }) => name);
  if (away.length > 0) out.hint(`passed over, being down or lost: ${away.join(' ')}`);
  const names = items.filter(isHere).map(({ name }) => name);
  if (names.length > 0) return names.sort();
  throw new CoaxError('COAX_NOT_FOUND', `no host that is up is called ${on}, or has such labels`, {
    where: '--on',
    hint: '`coax host ls` lists the hosts; `--on all` means all of them.',
  });
}

/** `h1,h2` when there is a host of each of these names; null: it is a selector. */
async function namedHosts(client: Client, on: string): Promise<string[] | null> {
  const names = [...new Set(on.split(',').map(name => name.trim()))];
  if (!names.every(name => /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))) return null;
  const found = await Promise.all(names.map(name => hasHost(client, name)));
  if (found.every(has => has)) return names.sort();
  // One word may be a label; of several, those that are no host are meant to be one.
  if (names.length === 1 || !found.some(has => has)) return null;
  const unknown = names.filter((_, at) => !found[at]);
  throw new CoaxError('COAX_NOT_FOUND', `no host is called ${unknown.join(', ')}`, {
    where: '--on',
    hint: '`coax host ls` lists the hosts.',
  });
}

async function hasHost(client: Client, name: string): Promise<boolean> {
  try {
    await client.host(name);
    return true;
  } catch (error) {
    if (error instanceof CoaxError && error.code === 'COAX_NOT_FOUND') return false;
    throw error;
  }
}

/** Submits a flow for a package on the hosts that `--on` means, says so, and looks on if asked. `wanted`: as it was typed. */
export async function submitOn(
  context: Context,
  flow: string,
  wanted: string,
  parameters: Parameters,
  options: OnOptions,
): Promise<number> {
  const client = await context.client();
  const hosts = await hostsOn(client, context.out, options.on);
  const message = await client.submit({ flow, parameters: { hosts, ...parameters } });
  const said = `accepted: ${flow} ${plain(wanted)} on ${plural(hosts.length, 'host')}`;
  return afterDecision(context, client, message, said, options);
}

/** Runs a flow on hosts to its end, and gives the message. Errors: COAX_ROLLED_BACK, COAX_WAIT_TIMEOUT. */
export async function runOn(
  client: Client,
  flow: string,
  parameters: Parameters,
  timeoutMs: number | undefined,
): Promise<MessageView> {
  const submitted = await client.submit({ flow, parameters });
  const message = await client.waitFor(submitted.msgid, timeoutMs === undefined ? {} : { timeoutMs });
  if (message.status === 'done') return message;
  throw new CoaxError('COAX_ROLLED_BACK', message.error?.reason ?? `it is ${message.status}`, {
    where: String(message.msgid),
    hint: `\`coax log ${message.msgid}\` tells why.`,
  });
}

/** What each host answered, in the order in which they were asked. */
export function answersOf<T>(
  message: MessageView,
  hosts: readonly string[],
  name: string,
): (T & { host: string })[] {
  const answers = (message.parameters[name] ?? []) as unknown as T[];
  return answers.map((answer, at) => ({ host: hosts[at]!, ...answer }));
}
