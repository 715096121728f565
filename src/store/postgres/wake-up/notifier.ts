import type { Engine } from '../engine.ts';
import type { Notes } from '../notes.ts';
import { encodeNotices } from './notice.ts';

/** Notices of so long a time are sent together: a message that is waited for must not lie, and many must not cost each. */
const GATHER_MS = { few: 2, many: 10 };
/** Transactions told of in one notice that are many. */
const MANY = 32;

/**
 * Tells the other servers what this one made durable. In a transaction of its own: one that notifies holds a lock of the
 * whole database while it waits for the disk, and would keep all other writers waiting too.
 */
export class Notifier {
  readonly #engine: Engine;
  readonly #channel: string;
  #ready = new Set<string>();
  #asked: [number, string][] = [];
  #commits = false;
  /** Transactions that wait to be told of. */
  #pushed = 0;
  #sending: Promise<void> | null = null;

  constructor(engine: Engine, channel: string) {
    this.#engine = engine;
    this.#channel = channel;
  }

  push(notes: Notes): void {
    for (const address of notes.ready) this.#ready.add(address);
    for (const { msgid, worker } of notes.asked) this.#asked.push([msgid, worker]);
    if (notes.events.length > 0) this.#commits = true;
    this.#pushed += 1;
    // With nothing to send it would end before it is written down here, and hold back all that comes later.
    if (this.#sending === null && this.#hasNews()) this.#sending = this.#send();
  }

  #hasNews(): boolean {
    return this.#ready.size > 0 || this.#asked.length > 0 || this.#commits;
  }

  async drained(): Promise<void> {
    await this.#sending;
  }

  async #send(): Promise<void> {
    while (this.#hasNews()) {
      const payloads = encodeNotices({
        origin: this.#engine.origin,
        ready: [...this.#ready],
        asked: this.#asked,
        commits: this.#commits,
      });
      this.#ready = new Set();
      this.#asked = [];
      this.#commits = false;
      const gather = this.#pushed < MANY ? GATHER_MS.few : GATHER_MS.many;
      this.#pushed = 0;
      try {
        const link = await this.#engine.leases.get();
        await Promise.all(payloads.map(payload => link.run(NOTIFY, [this.#channel, payload])));
      } catch {
        // Polling finds what nobody was told of.
      }
      await new Promise<void>(resolve => {
        this.#engine.timers.after(gather, resolve);
      });
    }
    this.#sending = null;
  }
}

const NOTIFY = `SELECT set_config('synchronous_commit', 'off', true), pg_notify($1::text, $2::text)`;
