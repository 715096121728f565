import { useQuery } from '@tanstack/react-query';
import type { BlameList, CommitPage, CommitView } from '../../../src/api/commit.ts';
import type { MessageView, WhyView } from '../../../src/api/message.ts';
import { get, send } from './request.ts';

export interface TaggedMessage {
  readonly message: MessageView;
  /** Names the state that was read: a decision that is given it is refused when the message has moved on since. */
  readonly etag: string;
}

/** How soon a group that was looked at just now is read again. */
const GLANCE_MS = 500;

/** Everything under `message, MSGID` is read anew when an event tells of the message, and while its group is looked at. */
export function useMessage(msgid: number) {
  return useQuery({
    queryKey: ['message', msgid],
    queryFn: ({ signal }) => readMessage(msgid, signal),
    refetchInterval: ({ state: { data } }) => (data && isGlancedAt(data.message) ? GLANCE_MS : false),
  });
}

/** A look at a group whose branches are not all done makes no commit, so no event tells that the message waits again. */
function isGlancedAt({ status, cursor, steps }: MessageView): boolean {
  const step = steps[cursor]?.step;
  return (status === 'queued' || status === 'running') && (step === 'all' || step === 'each');
}

async function readMessage(msgid: number, signal: AbortSignal): Promise<TaggedMessage> {
  const answer = await send('GET', `/v1/messages/${msgid}`, { signal });
  return { message: (await answer.json()) as MessageView, etag: answer.headers.get('etag') ?? '' };
}

/** Why it stands where it stands. */
export function useWhy(msgid: number) {
  return useQuery({
    queryKey: ['message', msgid, 'why'],
    queryFn: ({ signal }) => get<WhyView>(`/v1/messages/${msgid}/why`, {}, signal),
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
