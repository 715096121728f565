import { useQuery } from '@tanstack/react-query';
import type { BlameList, CommitPage, CommitView } from '../../../src/api/commit.ts';
import type { MessageView } from '../../../src/api/message.ts';
import { get } from './request.ts';

/** Everything under `message, MSGID` is read anew when an event tells of the message. */
export function useMessage(msgid: number) {
  return useQuery({
    queryKey: ['message', msgid],
    queryFn: ({ signal }) => get<MessageView>(`/v1/messages/${msgid}`, {}, signal),
  });
}

const PAGE = 200;
const COMMITS_MAX = 1000;

export interface History {
  /** Newest first; at most the newest thousand. */
  readonly commits: readonly CommitView[];
  /** There are older ones. */
  readonly more: boolean;
}

/** The commits of a message, newest first. */
export function useHistory(msgid: number) {
  return useQuery({
    queryKey: ['message', msgid, 'commits'],
    queryFn: ({ signal }) => readHistory(msgid, signal),
  });
}

async function readHistory(msgid: number, signal: AbortSignal): Promise<History> {
  const commits: CommitView[] = [];
  let cursor: string | undefined;
  do {
    const query = { order: 'newest', limit: PAGE, cursor };
    const page = await get<CommitPage>(`/v1/messages/${msgid}/commits`, query, signal);
    commits.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined && commits.length < COMMITS_MAX);
  return { commits, more: cursor !== undefined };
}

/** Who set each parameter to what it is now. */
export function useBlame(msgid: number) {
  return useQuery({
    queryKey: ['message', msgid, 'blame'],
    queryFn: ({ signal }) => get<BlameList>(`/v1/messages/${msgid}/blame`, {}, signal),
  });
}
