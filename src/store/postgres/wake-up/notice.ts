/** What servers tell each other on the notification channel. A hint only: whatever is lost, polling finds. */
export interface Notice {
  /** The sender's `origin`: it has told its own listeners already. */
  readonly origin: number;
  /** Addresses that got work; null = too many to name. */
  readonly ready: readonly string[] | null;
  /** Messages of which a person asked something, with the worker that holds each. */
  readonly asked: readonly (readonly [msgid: number, worker: string])[];
  /** There are new commits. */
  readonly commits: boolean;
  /** The sender listens to commits, and wants to be told of others'. */
  readonly listens: boolean;
  /** The sender wants to be told who listens. */
  readonly asks: boolean;
}

/** PostgreSQL refuses payloads of 8,000 bytes and more. */
const BYTES_MAX = 7900;
const ADDRESSES_MAX = 100;

/** One payload or, when people have asked a lot, several. */
export function encodeNotices(notice: Notice): string[] {
  const few = notice.ready !== null && notice.ready.length <= ADDRESSES_MAX ? notice.ready : null;
  const head = {
    o: notice.origin,
    ...(notice.commits && { c: 1 }),
    ...(notice.listens && { l: 1 }),
    ...(notice.asks && { q: 1 }),
  };
  const whole = JSON.stringify({ ...head, a: few, k: notice.asked });
  if (Buffer.byteLength(whole) <= BYTES_MAX) return [whole];
  if (notice.asked.length > 1) {
    const middle = Math.ceil(notice.asked.length / 2);
    return [
      ...encodeNotices({ ...notice, ready: null, asked: notice.asked.slice(0, middle) }),
      ...encodeNotices({
        ...notice,
        ready: [],
        commits: false,
        listens: false,
        asks: false,
        asked: notice.asked.slice(middle),
      }),
    ];
  }
  return [JSON.stringify({ ...head, a: null, k: [] })];
}

/** Null when it is not one of ours. */
export function decodeNotice(text: string): Notice | null {
  try {
    const { o, a, k, c, l, q } = JSON.parse(text) as {
      o: number;
      a: string[] | null;
      k: [number, string][];
      c?: 1;
      l?: 1;
      q?: 1;
    };
    if (typeof o !== 'number' || !Array.isArray(k)) return null;
    return { origin: o, ready: a, asked: k, commits: c === 1, listens: l === 1, asks: q === 1 };
  } catch {
    return null;
  }
}
