import { useEffect, useRef, useSyncExternalStore } from 'react';
import type { CommitEventView, WebhookEventView } from '../../../src/api/event.ts';
import { readServerSentEvents } from '../../../src/client/sse.ts';
import { send } from './request.ts';

/** What happened since the last frame. */
export interface LiveBatch {
  readonly events: readonly CommitEventView[];
  /** Webhooks that have changed, or deliveries of theirs. */
  readonly webhooks: readonly string[];
  /** Other packages are published. */
  readonly packages: boolean;
  /** The stream is a new one: what is told once, as of webhooks and packages, may have been missed. */
  readonly begun: boolean;
  /** Events were missed, so what is shown must be read anew. */
  readonly gap: boolean;
}

export interface LiveState {
  readonly kind: 'off' | 'connecting' | 'live' | 'stale';
  /** When the stream was lost, in milliseconds since 1970. */
  readonly since: number;
}

/** The server says something at least every 15 s: three missed signs of life mean that the connection is dead. */
const SILENCE_MS = 45_000;
const DELAY_FIRST_MS = 250;
const DELAY_LONGEST_MS = 5000;
/** So often at most the page is told, however many events come: fewer drawings, and nobody reads faster. */
const FLUSH_MS = 100;
/** A hidden page draws no frames; it still takes what comes, so that nothing piles up. */
const HIDDEN_FLUSH_MS = 1000;

type Listener = (batch: LiveBatch) => void;

/**
 * The one stream of events of this page. Events are told in batches, at most ten a second and at the begin of a frame, however
 * many come: a page with thousands of messages a minute draws itself no oftener.
 */
class LiveEvents {
  #state: LiveState = { kind: 'off', since: 0 };
  #events: CommitEventView[] = [];
  #webhooks = new Set<string>();
  #packages = false;
  #begun = false;
  #gap = false;
  #scheduled = false;
  #flushed = Number.NEGATIVE_INFINITY;
  #lastEventId = '';
  #hurry: (() => void) | null = null;
  readonly #listeners = new Set<Listener>();
  readonly #watchers = new Set<() => void>();

  readonly state = (): LiveState => this.#state;

  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  /** Hears every batch; returns what ends it. */
  hear(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Connects, and connects again whenever the stream is lost; returns what ends it. */
  start(): () => void {
    const ending = new AbortController();
    void this.#run(ending.signal);
    return () => ending.abort();
  }

  /** Tries at once instead of waiting for the next attempt. */
  retry(): void {
    this.#hurry?.();
  }

  async #run(ending: AbortSignal): Promise<void> {
    let delayMs = DELAY_FIRST_MS;
    this.#become('connecting');
    while (!ending.aborted) {
      try {
        await this.#connect(ending, () => {
          delayMs = DELAY_FIRST_MS;
        });
      } catch {
        // Whatever it was, the next attempt tells more; the state says that nothing is live.
      }
      if (ending.aborted) break;
      this.#become('stale');
      await this.#pause(delayMs, ending);
      delayMs = Math.min(delayMs * 2, DELAY_LONGEST_MS);
    }
    this.#become('off');
  }

  async #connect(ending: AbortSignal, connected: () => void): Promise<void> {
    const silence = new AbortController();
    let timer = 0;
    const heard = (): void => {
      clearTimeout(timer);
      timer = window.setTimeout(() => silence.abort(), SILENCE_MS);
    };
    heard();
    try {
      const answer = await send('GET', '/v1/events', {
        query: { also: 'webhooks,packages' },
        headers: {
          accept: 'text/event-stream',
          ...(this.#lastEventId !== '' && { 'last-event-id': this.#lastEventId }),
        },
        signal: AbortSignal.any([ending, silence.signal]),
      });
      connected();
      this.#begun = true;
      // Where no event was ever seen, nothing says what was missed between the first look and now.
      if (this.#lastEventId === '') this.#gap = true;
      this.#flushSoon();
      this.#become('live');
      for await (const { id, event, data } of readServerSentEvents(chunksOf(answer, heard))) {
        if (event === 'end') return;
        if (event === 'webhook') this.#webhooks.add((JSON.parse(data) as WebhookEventView).id);
        else if (event === 'packages') this.#packages = true;
        else {
          this.#lastEventId = id;
          if (event === 'commit') this.#events.push(JSON.parse(data) as CommitEventView);
          else this.#gap = true;
        }
        this.#flushSoon();
      }
    } finally {
      clearTimeout(timer);
      silence.abort();
    }
  }

  #flushSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (document.hidden) setTimeout(this.#flush, HIDDEN_FLUSH_MS);
    else
      setTimeout(
        () => requestAnimationFrame(this.#flush),
        Math.max(0, this.#flushed + FLUSH_MS - performance.now()),
      );
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    this.#flushed = performance.now();
    const batch = {
      events: this.#events,
      webhooks: [...this.#webhooks],
      packages: this.#packages,
      begun: this.#begun,
      gap: this.#gap,
    };
    this.#events = [];
    this.#webhooks.clear();
    this.#packages = false;
    this.#begun = false;
    this.#gap = false;
    for (const listener of this.#listeners) listener(batch);
  };

  #become(kind: LiveState['kind']): void {
    if (this.#state.kind === kind) return;
    this.#state = { kind, since: Date.now() };
    for (const watcher of this.#watchers) watcher();
  }

  #pause(ms: number, ending: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        clearTimeout(timer);
        this.#hurry = null;
        ending.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#hurry = done;
      ending.addEventListener('abort', done);
    });
  }
}

async function* chunksOf(answer: Response, heard: () => void): AsyncGenerator<Uint8Array> {
  const reader = answer.body!.getReader();
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

export const live = new LiveEvents();

export function useLiveState(): LiveState {
  return useSyncExternalStore(live.watch, live.state);
}

/** Hears every batch while the component is there; always the newest listener. */
export function useLive(listener: Listener): void {
  const newest = useRef(listener);
  useEffect(() => {
    newest.current = listener;
  });
  useEffect(() => live.hear(batch => newest.current(batch)), []);
}
