import type { MessageView } from '../../../api/message.ts';
import type { Client } from '../../../client/client.ts';
import type { Parameters } from '../../../message/message.ts';
import type { Context } from '../../context.ts';
import { parsePairs } from '../../input/pairs.ts';
import { follow } from '../../live/follow.ts';
import { PARTLY_DONE } from '../../live/outcome.ts';
import { lengthOfTime, type VerbOption } from '../../verb.ts';

export interface DecisionOptions {
  readonly reason?: string;
  readonly param?: readonly string[];
  readonly wait?: boolean;
  readonly timeout?: number;
}

export const REASON: VerbOption = { flags: '-r, --reason <text>', about: 'Why; stands in the ledger' };
export const PARAM: VerbOption = {
  flags: '-p, --param <name=value>',
  about: 'A parameter to change',
  repeats: true,
};
export const WAIT: readonly VerbOption[] = [
  { flags: '-w, --wait', about: 'Wait until it rests' },
  { flags: '--timeout <time>', about: 'With --wait: stop waiting after so long', parse: lengthOfTime },
];

/** Prints the message that a decision was made about, or follows it. */
export async function afterDecision(
  { out }: Context,
  client: Client,
  message: MessageView,
  said: string,
  options: DecisionOptions,
  wanted: MessageView['status'] = 'done',
): Promise<number> {
  out.hint(said);
  if (options.wait) {
    const timeout = options.timeout === undefined ? {} : { timeoutMs: options.timeout };
    const status = await follow(client, message.msgid, out, { ...timeout, decided: message });
    // Rolled back is what was asked for.
    if (wanted !== 'rolled_back') return status;
    return status === 0 || status === PARTLY_DONE ? 1 : status === 1 ? 0 : status;
  }
  await out.object(message, String(message.msgid), () => out.line(String(message.msgid)));
  out.hint(`coax wait ${message.msgid}`);
  return 0;
}

/** The same of many messages, whose parameters may differ: as they are written. */
export const changes = ({ param }: DecisionOptions): { parameters?: Parameters } =>
  param === undefined ? {} : { parameters: parsePairs(param) };

/** The parameters to change: text stays text where the message has text now. */
export function edits(words: readonly string[] | undefined, now: Parameters): Parameters {
  return parsePairs(words ?? [], name => typeof now[name] === 'string');
}
