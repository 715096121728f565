import type { Engine } from '../engine.ts';
import type { Notes } from '../notes.ts';
import { type Audience, SAID_EVERY_MS } from './audience.ts';
import { encodeNotices, type Notice } from './notice.ts';

/** Notices of so long a time are sent together: a message that is waited for must not lie, and many must not cost each. */
const GATHER_MS = { few: 2, many: 10 };
/** Transactions told of in one notice that are many. */
const MANY = 32;

/** Names on which processes on the same store notify each other. */
export interface ChannelNames {
  /** All of them listen to this one. */
  readonly work: string;
  /** Those that listen to commits listen to this one too: news of commits wakes nobody else. */
  readonly commits: string;
}

/**
 * Tells the other servers what this one made durable, of commits only while any of them listens to commits. In a transaction of its
 * own: one that notifies holds a lock of the whole database while it waits for the disk, and would keep all other writers waiting too.
 */
export class Notifier {
  readonly #engine: Engine;
  readonly #channels: ChannelNames;
  readonly #audience: Audience;
  #ready = new Set<string>();
  #asked: [number, string][] = [];
  #commits = false;
  #listens = false;
  #asks = false;
  #stopSaying: (() => void) | undefined;
  /** Transactions that wait to be told of. */
  #pushed = 0;
  #sending: Promise<void> | null = null;

  constructor(engine: Engine, channels: ChannelNames, audience: Audience) {
    this.#engine = engine;
    this.#channels = channels;
    this.#audience = audience;
  }

  /** Asks who listens to commits, once the answers can be heard. */
  ask(): void {
    this.#asks = true;
    this.#audience.asked();
    this.#sendSoon();
  }

  /** Says from now on that this process listens to commits. */
  listen(): void {
    this.#stopSaying?.();
    this.#listens = true;
    this.#sendSoon();
    this.#stopSaying = this.#engine.timers.after(SAID_EVERY_MS, () => this.listen(), true);
  }

  stopListening(): void {
    this.#stopSaying?.();
  }

  push(notes: Notes): void {
    for (const address of notes.ready) this.#ready.add(address);
    for (const { msgid, worker } of notes.asked) this.#asked.push([msgid, worker]);
    if (notes.events.length > 0 && this.#audience.isThere) this.#commits = true;
    this.#pushed += 1;
    this.#sendSoon();
  }

  #sendSoon(): void {
    // With nothing to send it would end before it is written down here, and hold back all that comes later.
    if (this.#sending === null && this.#hasNews()) this.#sending = this.#send();
  }

  #hasNews(): boolean {
    return this.#ready.size > 0 || this.#asked.length > 0 || this.#commits || this.#listens || this.#asks;
  }

  async drained(): Promise<void> {
    await this.#sending;
  }

  async #send(): Promise<void> {
    while (this.#hasNews()) {
      const sent = this.#take();
      const gather = this.#pushed < MANY ? GATHER_MS.few : GATHER_MS.many;
      this.#pushed = 0;
      try {
        const link = await this.#engine.leases.get();
        await Promise.all(sent.map(values => link.run(NOTIFY, values)));
      } catch {
        // Polling finds what nobody was told of.
      }
      await new Promise<void>(resolve => {
        this.#engine.timers.after(gather, resolve);
      });
    }
    this.#sending = null;
  }

  /** What is to be told now: channels with what goes there. */
  #take(): [channel: string, payload: string][] {
    const nothing: Notice = {
      origin: this.#engine.origin,
      ready: [],
      asked: [],
      commits: false,
      listens: false,
      asks: false,
    };
    const { work, commits } = this.#channels;
    const sent: [string, string][] = [];
    const [listens, asks] = [this.#listens, this.#asks];
    if (this.#ready.size > 0 || this.#asked.length > 0 || listens || asks) {
      const notice = { ...nothing, ready: [...this.#ready], asked: this.#asked, listens, asks };
      for (const payload of encodeNotices(notice)) sent.push([work, payload]);
    }
    if (this.#commits)
      for (const payload of encodeNotices({ ...nothing, commits: true })) sent.push([commits, payload]);
    this.#ready = new Set();
    this.#asked = [];
    this.#commits = false;
    this.#listens = false;
    this.#asks = false;
    return sent;
  }
}

const NOTIFY = `SELECT set_config('synchronous_commit', 'off', true), pg_notify($1::text, $2::text)`;
