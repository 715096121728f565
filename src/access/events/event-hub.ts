import type { CommitEventView } from '../../api/event.ts';
import type { Message } from '../../message/message.ts';
import { isResting } from '../../message/status.ts';
import type { CommitEvent, Store } from '../../store/store.ts';
import { viewCommit, viewLite } from '../message-view.ts';
import { EventRing } from './event-ring.ts';

type Listener = (event: CommitEvent) => void;

/** An event, and the id of who has heard all until then. */
export interface Told {
  readonly event: CommitEvent;
  readonly id: string;
}

/**
 * Hears of every transition once and tells whoever waits for it. Costs one look into a map per event while nobody
 * listens, so that the hot path does not feel it.
 */
export class EventHub {
  /** Differs from one run of the server to the next: positions of another run mean nothing here. */
  readonly epoch: string;
  readonly #store: Store;
  readonly #byMsgid = new Map<number, Set<Listener>>();
  readonly #all = new Set<(position: number, event: CommitEvent) => void>();
  /** For clients that come back. */
  readonly #ring = new EventRing();
  readonly #end: () => void;

  constructor(store: Store) {
    this.#store = store;
    this.epoch = store.now().toString(36);
    this.#end = store.onCommit(events => {
      for (const event of events) this.#tell(event);
    });
  }

  #tell(event: CommitEvent): void {
    const position = this.#ring.add(event, this.#store.now());
    const listeners = this.#byMsgid.get(event.message.msgid);
    if (listeners !== undefined) for (const listener of listeners) listener(event);
    for (const listener of this.#all) listener(position, event);
  }

  onMessage(msgid: number, listener: Listener): () => void {
    const listeners = this.#byMsgid.get(msgid) ?? new Set();
    this.#byMsgid.set(msgid, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#byMsgid.get(msgid) === listeners) this.#byMsgid.delete(msgid);
    };
  }

  onAny(listener: (position: number, event: CommitEvent) => void): () => void {
    this.#all.add(listener);
    return () => this.#all.delete(listener);
  }

  /**
   * The id of an event that is still kept: its place here, and when that was, by which another server, or this one after a restart,
   * finds where to go on.
   */
  idOf(position: number): string {
    return this.#id(position, this.#ring.at(position) ?? this.#store.now());
  }

  /** The id of who has heard all there is now. */
  idNow(): string {
    return this.#id(this.position, this.#store.now());
  }

  #id(position: number, at: number): string {
    return `${this.epoch}-${position}-${at.toString(36)}`;
  }

  get position(): number {
    return this.#ring.newest;
  }

  /**
   * What came after that position until now, oldest first, with the id of each; null when not all of it is known any more. What came long ago
   * is read from the store, with its message as it is now.
   */
  async since(position: number): Promise<readonly Told[] | null> {
    const again = await this.#ring.again(this.#store, position);
    return again?.map(({ position, at, event }) => ({ event, id: this.#id(position, at) })) ?? null;
  }

  view(event: CommitEvent): CommitEventView {
    return {
      message: viewLite(event.message, this.#store.now()),
      commits: event.commits.map(commit => viewCommit(commit, event.message.plan)),
    };
  }

  /**
   * The message when it rests; null at the end of the time, when the signal aborts, or when there is none: never rejects for
   * these. `since`: the position before it was made, so that all that happened to it has been heard, and the store need not be
   * asked.
   */
  async untilResting(
    msgid: number,
    waitMs: number,
    signal: AbortSignal,
    since?: number,
  ): Promise<Message | null> {
    const { promise, resolve } = Promise.withResolvers<Message | null>();
    // Listening begins before the look at what was, so that nothing falls between.
    const end = this.onMessage(msgid, ({ message }) => isResting(message.phase) && resolve(message));
    const stop = () => resolve(null);
    const timer = setTimeout(stop, waitMs);
    signal.addEventListener('abort', stop);
    try {
      const heard = since === undefined ? null : this.#ring.since(since);
      // What another server did may be heard before what this one did earlier.
      const isIt = ({ message }: CommitEvent) => message.msgid === msgid && isResting(message.phase);
      const message = heard === null ? await this.#store.message(msgid) : heard.find(isIt)?.message;
      if (message && isResting(message.phase)) return message;
      if (message === null || signal.aborted) return null;
      return await promise;
    } finally {
      end();
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  close(): void {
    this.#end();
  }
}
