import type { Message } from '../../message/message.ts';
import type { Store } from '../../store/store.ts';
import type { VirtualTimers } from './virtual-timers.ts';

/** So long nothing has to happen before the clock moves on by itself: something waits for its time (a backoff, a lease). */
const STILL_MS = 50;
/** One step of the clock then. */
const STEP_MS = 250;

interface Wait {
  readonly done: (message: Message) => boolean;
  readonly resolve: (message: Message) => void;
}

/** Waits for messages to get somewhere, on what the store tells of its commits. */
export class Rests {
  readonly #waits = new Map<number, Wait>();
  /** The newest state of messages that are waited for or will be. */
  readonly #known = new Map<number, Message>();
  readonly #end: () => void;
  readonly #pulse: NodeJS.Timeout;
  #moved = false;

  constructor(store: Store, timers: VirtualTimers) {
    this.#end = store.onCommit(events => {
      this.#moved = true;
      for (const { message } of events) this.#hear(message);
    });
    this.#pulse = setInterval(() => {
      if (!this.#moved && this.#waits.size > 0) timers.moveTo(timers.monotonic() + STEP_MS);
      this.#moved = false;
    }, STILL_MS);
  }

  /** Resolves with the message as soon as `done` says so of it. One wait for a message at a time. */
  until(msgid: number, done: (message: Message) => boolean): Promise<Message> {
    const known = this.#known.get(msgid);
    if (known && done(known)) return Promise.resolve(known);
    return new Promise(resolve => this.#waits.set(msgid, { done, resolve }));
  }

  /** Nobody will ask for it again. */
  forget(msgid: number): void {
    this.#known.delete(msgid);
  }

  close(): void {
    clearInterval(this.#pulse);
    this.#end();
  }

  #hear(message: Message): void {
    const { msgid } = message;
    this.#known.set(msgid, message);
    const wait = this.#waits.get(msgid);
    if (!wait?.done(message)) return;
    this.#waits.delete(msgid);
    wait.resolve(message);
  }
}
