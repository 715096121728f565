import type { MessageView } from '../../../api/message.ts';
import type { Client } from '../../../client/client.ts';
import type { Parameters } from '../../../message/message.ts';

/** Submits a flow for a host that there is. Errors: COAX_NOT_FOUND: a message for one that there is not would be accepted, and fail. */
export async function submitForHost(
  client: Client,
  flow: string,
  parameters: Parameters & { readonly host: string },
): Promise<MessageView> {
  await client.host(parameters.host);
  return await client.submit({ flow, parameters });
}
