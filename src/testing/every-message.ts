import type { MessageView } from '../api/message.ts';
import type { CoaxClient } from '../client/client.ts';

/** Every message there is, children too, newest first. */
export async function everyMessage(client: CoaxClient): Promise<MessageView[]> {
  const all: MessageView[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.messages({
      children: true,
      limit: 100,
      ...(cursor !== undefined && { cursor }),
    });
    all.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined);
  return all;
}
