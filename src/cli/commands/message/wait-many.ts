import type { Client } from '../../../client/client.ts';
import type { Progress } from '../../live/progress.ts';
import { isResting } from '../../live/view.ts';

const STATUS_OF = { done: 'done', rolled_back: 'rolledBack', parked: 'parked' } as const;
const QUIET_MS = 2000;
const LOOK_MS = 500;
const PAGE = 1000;

export interface ManyWait {
  add(msgids: readonly number[]): void;
  /** Resolves with the exit status once every message rests: 0, 1 (some rolled back), 9 (some parked), 8 or 130. */
  end(): Promise<number>;
  stop(): void;
}

/**
 * Counts how many messages came to rest. Follows the stream of all events; when that is quiet for a while, or lost some, the
 * messages are listed instead.
 */
export function waitForMany(client: Client, progress: Progress, timeoutMs?: number): ManyWait {
  const open = new Set<number>();
  /** Ended before their msgids came back to us. */
  const early = new Map<number, 'done' | 'rolled_back' | 'parked'>();
  const stopped = new AbortController();
  let heard = Date.now();
  let allAdded = false;
  let finished: (() => void) | null = null;

  const rest: Rest = (msgid, status) => {
    if (open.delete(msgid)) {
      progress.add(STATUS_OF[status], 1);
      heard = Date.now();
    } else if (!allAdded) early.set(msgid, status);
    if (allAdded && open.size === 0) finished?.();
  };
  const listen = async () => {
    for await (const event of client.events({ signal: stopped.signal })) {
      if (event.type === 'gap') heard = 0;
      else if (event.message.parent === null && isResting(event.message.status)) {
        rest(event.message.msgid, event.message.status as 'done');
      }
    }
  };
  const sweep = async () => {
    await listResting(client, open, rest, stopped.signal);
    heard = Date.now();
  };
  // The sweep finds what a broken stream did not tell.
  listen().catch(() => {});

  return {
    add(msgids) {
      for (const msgid of msgids) {
        const status = early.get(msgid);
        if (status) progress.add(STATUS_OF[status], 1);
        else open.add(msgid);
        early.delete(msgid);
      }
    },
    stop: () => stopped.abort(),
    async end() {
      allAdded = true;
      if (open.size > 0) {
        const ended = Promise.withResolvers<number>();
        finished = () => ended.resolve(0);
        const status = await interruptible(ended, timeoutMs, () =>
          Date.now() - heard < QUIET_MS ? null : sweep(),
        );
        if (status !== 0) return status;
      }
      return progress.counts.parked > 0 ? 9 : progress.counts.rolledBack > 0 ? 1 : 0;
    },
  };
}

type Rest = (msgid: number, status: 'done' | 'rolled_back' | 'parked') => void;

/** Tells of every message of `open` that rests. */
async function listResting(
  client: Client,
  open: ReadonlySet<number>,
  rest: Rest,
  stopped: AbortSignal,
): Promise<void> {
  let cursor: string | undefined;
  const lowest = Math.min(...open);
  do {
    const page = await client.messages({ limit: PAGE, ...(cursor && { cursor }) });
    for (const { msgid, status } of page.items)
      if (isResting(status) && open.has(msgid)) rest(msgid, status as 'done');
    cursor = (page.items.at(-1)?.msgid ?? 0) > lowest ? page.next : undefined;
  } while (cursor && !stopped.aborted);
}

/** Waits for the end, the time-out (8) or Ctrl-C (130); meanwhile looks every half second, one look at a time. */
async function interruptible(
  ended: PromiseWithResolvers<number>,
  timeoutMs: number | undefined,
  look: () => Promise<void> | null,
): Promise<number> {
  const onInterrupt = () => ended.resolve(130);
  process.once('SIGINT', onInterrupt);
  const timer = timeoutMs === undefined ? null : setTimeout(() => ended.resolve(8), timeoutMs);
  let looking = false;
  const watch = setInterval(() => {
    const looked = looking ? null : look();
    if (looked === null) return;
    looking = true;
    looked.then(
      () => (looking = false),
      error => ended.reject(error),
    );
  }, LOOK_MS);
  try {
    return await ended.promise;
  } finally {
    process.off('SIGINT', onInterrupt);
    clearInterval(watch);
    if (timer) clearTimeout(timer);
  }
}
