import { QueryClient, type QueryKey } from '@tanstack/react-query';
import type { MessagePage } from '../../../src/api/message.ts';
import { vmPagesIn } from './fleet.ts';
import { type LiveBatch, live } from './live.ts';
import { RequestError } from './request.ts';

/** What was read from the server. Events, not time, say when it is old; so nothing is read again just because it was seen. */
export const cache = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY,
      refetchOnWindowFocus: false,
      retry: (failures, error) => failures < 2 && isWorthAnother(error),
    },
  },
});

/** What the server said no to, it will say no to again; what it did not answer, it may answer yet. */
function isWorthAnother(error: Error): boolean {
  return error instanceof RequestError && (error.problem === null || error.problem.status >= 502);
}

const soon = new Map<string, { last: number; timer: number | null }>();

/**
 * Reads what is shown under a key anew, at most once in so many milliseconds, however often it is asked for; the last asking
 * is always obeyed.
 */
export function refreshSoon(key: QueryKey, everyMs: number): void {
  const name = JSON.stringify(key);
  const entry = soon.get(name) ?? { last: 0, timer: null };
  soon.set(name, entry);
  if (entry.timer !== null) return;
  const now = performance.now();
  const waitMs = Math.max(0, entry.last + everyMs - now);
  entry.timer = window.setTimeout(() => {
    entry.timer = null;
    entry.last = performance.now();
    void cache.invalidateQueries({ queryKey: key });
  }, waitMs);
}

/** How often at most what all messages change together is read anew. */
const COUNTS_MS = 1000;
const MESSAGE_MS = 150;
const FLEET_MS = 2000;
const WEBHOOK_MS = 500;
const PACKAGES_MS = 500;
const ROLLOUT_MS = 500;
const APPROVALS_MS = 500;
const ROLLOUT_FLOW = 'rollout_package';

/** Pages of the longest list of VMs that is shown. */
const longestVmList = (): number =>
  Math.max(1, ...cache.getQueriesData({ queryKey: ['vm-list'] }).map(([, data]) => vmPagesIn(data)));

/**
 * Events to keys. `counts`; `approvals`, of what waits for a person; `message, MSGID` with all that is beneath it; `hosts`, `vms` and `vm-list`, which a message changes
 * when one of its steps ends; `rollouts`, whose hosts are messages beneath them, named like them; `webhooks`; `packages`.
 */
function refreshFrom({ events, webhooks, packages, begun, gap }: LiveBatch): void {
  if (gap) {
    void cache.invalidateQueries();
    return;
  }
  if (begun || webhooks.length > 0) refreshSoon(['webhooks'], WEBHOOK_MS);
  if (begun || packages) refreshSoon(['packages'], PACKAGES_MS);
  if (events.length === 0) return;
  if (events.some(({ message: { flow } }) => flow.startsWith(ROLLOUT_FLOW)))
    refreshSoon(['rollouts'], ROLLOUT_MS);
  if (events.some(touchesApprovals())) refreshSoon(['approvals'], APPROVALS_MS);
  refreshSoon(['counts'], COUNTS_MS);
  refreshSoon(['hosts'], FLEET_MS);
  refreshSoon(['vms'], FLEET_MS);
  refreshSoon(['vm-list'], FLEET_MS * longestVmList());
  const changed = new Set(events.flatMap(({ message: { msgid, parent } }) => [msgid, parent ?? msgid]));
  for (const msgid of changed) {
    const key = ['message', msgid];
    if (cache.getQueryCache().find({ queryKey: key }) !== undefined) refreshSoon(key, MESSAGE_MS);
  }
}

/** Whether an event tells of a message that waits for a person, or that did when they were read. */
function touchesApprovals(): (event: LiveBatch['events'][number]) => boolean {
  const page = cache.getQueryData<MessagePage>(['approvals']);
  const shown = new Set(page?.items.map(({ msgid }) => msgid));
  return ({ message }) => message.waitingFor === 'a person' || shown.has(message.msgid);
}

/** Connects the cache with the events; returns what ends it. */
export function keepCacheFresh(): () => void {
  return live.hear(refreshFrom);
}
