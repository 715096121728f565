import { useQuery } from '@tanstack/react-query';
import type { MessageLite, MessagePage, MessageView } from '../../../src/api/message.ts';
import { cache } from './cache.ts';
import { call, get } from './request.ts';

/** As many as a list of work shows at once; beyond it there is the list of messages. */
const SHOWN = 50;

/** The messages that wait for a person to approve, branches of groups too, newest first. */
export function useApprovals() {
  return useQuery({
    queryKey: ['approvals'],
    queryFn: ({ signal }) =>
      get<MessagePage>('/v1/messages', { approval: true, children: true, limit: SHOWN }, signal),
  });
}

/** The words of the API for what a message waits for that a person must approve. */
export const awaitsPerson = ({ waitingFor }: Pick<MessageLite, 'waitingFor'>): boolean =>
  waitingFor === 'a person';

/**
 * Says yes or no to what waits for a person. With the head that the person saw, a message that has gone on since is not decided
 * about: a second approval of the same message may ask about something else. Errors: RequestError.
 */
export async function giveApproval(
  msgid: number,
  {
    reject,
    reason,
    head,
  }: { readonly reject: boolean; readonly reason: string; readonly head: string | null },
): Promise<MessageView> {
  // The first digits of a version are what If-Match asks for; what follows them is of the bytes that were read.
  const headers = head === null ? {} : { 'if-match': `"${head.slice(0, 32)}-"` };
  const body = { reject, reason };
  const message = await call<MessageView>('POST', `/v1/messages/${msgid}/approve`, { body, headers });
  // Gone at once, so that nobody presses it again while the list is read anew.
  cache.setQueryData<MessagePage>(
    ['approvals'],
    page => page && { ...page, items: page.items.filter(item => item.msgid !== message.msgid) },
  );
  for (const queryKey of [['rollouts'], ['approvals'], ['counts']])
    void cache.invalidateQueries({ queryKey });
  return message;
}
