import type { Client } from '../../../client/client.ts';
import { CoaxError, isCoaxError } from '../../../errors/coax-error.ts';
import { meantHint } from '../../../errors/nearest.ts';

/** Names the flow that was meant. */
export async function explainFlow(client: Client, flow: string, error: unknown): Promise<never> {
  if (!isCoaxError(error, 'COAX_FLOW_NOT_FOUND') || /did you mean/i.test(error.hint)) throw error;
  const { items } = await client.flows();
  const hint = `${meantHint(
    flow,
    items.map(item => item.name),
  )}\`coax flow ls\` lists the flows.`;
  throw new CoaxError('COAX_FLOW_NOT_FOUND', error.reason, {
    ...(error.where && { where: error.where }),
    hint,
  });
}

/** Which parameters of the flow are text, so that `name=007` stays as it was typed. */
export async function textParameters(
  client: Client,
  flow: string,
  words: readonly string[],
): Promise<(name: string) => boolean> {
  if (words.length === 0) return () => false;
  const { parameters } = await client.flow(flow).catch(error => explainFlow(client, flow, error));
  return name => {
    const schema = parameters[name];
    return typeof schema === 'object' && schema !== null && 'type' in schema && schema.type === 'string';
  };
}
