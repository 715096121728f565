import type { EventPage } from '../../api/event.ts';
import type { CommitEvent, Store } from '../../store/store.ts';
import { viewCommit, viewLite } from '../message-view.ts';
import type { EventHub } from './event-hub.ts';
import { type Heard, missedSince } from './missed-events.ts';

/** Commits of one message in one answer; the next one goes on. */
const EVENTS_MAX = 500;

interface Wait {
  /** How long there may be nothing to tell. */
  readonly ms: number;
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal;
}

/** All events after what was heard that `shows` lets through, or the first that comes; `heard` null: from now on. */
export async function pollAll(
  { hub, store }: { readonly hub: EventHub; readonly store: Store },
  heard: Heard | null,
  shows: (event: CommitEvent) => boolean,
  wait: Wait,
): Promise<EventPage> {
  const news = Promise.withResolvers<void>();
  const end = hub.onAny((_position, event) => shows(event) && news.resolve());
  try {
    const from = hub.position;
    const missed = heard === null ? { told: [], last: hub.idNow() } : await missedSince(hub, store, heard);
    if (missed === null) return { items: [], last: hub.idNow(), gap: true };
    const told = missed.told.filter(({ event }) => shows(event));
    if (told.length > 0) {
      const items = told.map(({ event, id }) => ({ id, ...hub.view(event) }));
      return { items, last: missed.last, gap: false };
    }
    await orTimeout(news.promise, wait);
    const since = hub.since(from);
    const last = hub.idNow();
    const came = await since;
    if (came === null) return { items: [], last, gap: true };
    const items = came
      .filter(({ event }) => shows(event))
      .map(({ event, id }) => ({ id, ...hub.view(event) }));
    return { items, last, gap: false };
  } finally {
    end();
  }
}

/** The commits of one message after that seq, or the first that comes. */
export async function pollMessage(
  { hub, store }: { readonly hub: EventHub; readonly store: Store },
  msgid: number,
  seq: number,
  wait: Wait,
): Promise<EventPage> {
  const news = Promise.withResolvers<void>();
  const end = hub.onMessage(msgid, () => news.resolve());
  const read = () => store.commits(msgid, { order: 'oldest', fromSeq: seq + 1, limit: EVENTS_MAX });
  try {
    let commits = await read();
    if (commits.length === 0 && wait.ms > 0) {
      await orTimeout(news.promise, wait);
      commits = await read();
    }
    const message = commits.length === 0 ? null : await store.message(msgid);
    if (message === null) return { items: [], last: String(Math.max(seq, 0)), gap: false };
    const lite = viewLite(message, store.now());
    const items = commits.map(commit => ({
      id: String(commit.seq),
      message: lite,
      commits: [viewCommit(commit, message.plan)],
    }));
    return { items, last: items.at(-1)!.id, gap: false };
  } finally {
    end();
  }
}

async function orTimeout(news: Promise<void>, { ms, signal }: Wait): Promise<void> {
  if (ms <= 0 || signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const stop = () => resolve();
  signal.addEventListener('abort', stop);
  await Promise.race([news, promise]);
  clearTimeout(timer);
  signal.removeEventListener('abort', stop);
}
