import { CoaxError } from '../errors/coax-error.ts';
import { Scrollback } from './scrollback.ts';
import type { LineSource, SerialLine } from './serial-line.ts';

/** What a line has shown is kept for whoever comes later or reads slowly. */
const SCROLLBACK_BYTES = 256 * 1024;
/** What was shown before the line was opened, at most. */
const TAIL_BYTES = 64 * 1024;
/** So much is under way to one watcher at a time. */
const SEND_BYTES = 32 * 1024;
/** When the quickest watcher is so far behind, the guest's line is not read; then until it has caught up to the other. */
const BEHIND_BYTES = { most: 128 * 1024, least: 64 * 1024 };
const WATCHERS_MAX = 64;

/** What a watcher is told beside the bytes. */
export type SerialNews =
  | { readonly type: 'attached'; readonly vm: string; readonly readonly: boolean; readonly watchers: number }
  | { readonly type: 'watchers'; readonly watchers: number }
  /** It read too slowly: so many bytes were left out here. */
  | { readonly type: 'skipped'; readonly bytes: number }
  /** The guest does not read: so many of the bytes that it was sent were dropped. */
  | { readonly type: 'overrun'; readonly bytes: number };

export interface Watcher {
  /** Sends bytes; `sent` is called when there is room for more. */
  send(bytes: Buffer, sent: () => void): void;
  tell(news: SerialNews): void;
  end(reason: string): void;
}

interface Watching {
  readonly watcher: Watcher;
  at: number;
  sending: boolean;
}

/** A watcher's hold on a line. */
export interface Attachment {
  readonly watchers: number;
  /** Bytes for the guest. */
  write(bytes: Buffer): void;
  leave(): void;
}

/**
 * The lines that are open here, each once, shared by all who watch it. The guest writes as fast as the quickest watcher reads;
 * others miss what they are too slow for. The last one that leaves closes the line.
 */
export class SharedLines {
  readonly #lines = new Map<string, SharedLine>();

  /**
   * Watches a guest's line, from `scrollback` bytes back. Errors: those of `source`, COAX_RATE when very many watch already.
   */
  async attach(uuid: string, source: LineSource, watcher: Watcher, scrollback: number): Promise<Attachment> {
    let line = this.#lines.get(uuid);
    if (line === undefined) {
      line = new SharedLine(uuid, source, () => this.#lines.delete(uuid));
      this.#lines.set(uuid, line);
    }
    return await line.attach(watcher, scrollback);
  }
}

class SharedLine {
  readonly #over: () => void;
  readonly #opened: Promise<SerialLine>;
  readonly #past = new Scrollback(SCROLLBACK_BYTES);
  readonly #watching = new Set<Watching>();
  /** Some wait for it to open. */
  #coming = 0;
  #line: SerialLine | null = null;
  #paused = false;

  constructor(uuid: string, source: LineSource, over: () => void) {
    this.#over = over;
    this.#opened = source.open(uuid, TAIL_BYTES, {
      onData: bytes => {
        this.#past.push(bytes);
        for (const watching of this.#watching) this.#pump(watching);
        this.#keepPace();
      },
      onEnd: reason => {
        over();
        for (const { watcher } of this.#watching) watcher.end(reason);
        this.#watching.clear();
      },
    });
    this.#opened.catch(over);
  }

  async attach(watcher: Watcher, scrollback: number): Promise<Attachment> {
    if (this.#watching.size + this.#coming >= WATCHERS_MAX) {
      throw new CoaxError('COAX_RATE', `${WATCHERS_MAX} watch that serial line already`, {
        retryAfterMs: 5000,
      });
    }
    this.#coming += 1;
    let line: SerialLine;
    try {
      line = await this.#opened;
      this.#line = line;
    } finally {
      this.#coming -= 1;
    }
    const at = Math.max(this.#past.oldest, this.#past.total - scrollback);
    const watching: Watching = { watcher, at, sending: false };
    this.#watching.add(watching);
    this.#tellAll(watching);
    // After the caller has told who it is.
    setImmediate(() => this.#pump(watching));
    return {
      watchers: this.#watching.size,
      write: bytes => {
        const dropped = line.write(bytes);
        if (dropped > 0) watcher.tell({ type: 'overrun', bytes: dropped });
      },
      leave: () => {
        if (!this.#watching.delete(watching)) return;
        this.#tellAll();
        this.#keepPace();
        if (this.#watching.size + this.#coming > 0) return;
        this.#over();
        line.close();
      },
    };
  }

  #tellAll(but?: Watching): void {
    const news = { type: 'watchers', watchers: this.#watching.size } as const;
    for (const watching of this.#watching) if (watching !== but) watching.watcher.tell(news);
  }

  #pump(watching: Watching): void {
    if (watching.sending || !this.#watching.has(watching)) return;
    const { at, bytes } = this.#past.read(watching.at, SEND_BYTES);
    if (bytes.length === 0) return;
    if (at > watching.at) watching.watcher.tell({ type: 'skipped', bytes: at - watching.at });
    watching.at = at + bytes.length;
    watching.sending = true;
    watching.watcher.send(bytes, () => {
      watching.sending = false;
      this.#pump(watching);
      this.#keepPace();
    });
  }

  /** The guest writes no faster than the quickest watcher reads; slower ones miss some. */
  #keepPace(): void {
    if (this.#line === null || this.#watching.size === 0) return;
    const behind = this.#past.total - Math.max(...[...this.#watching].map(({ at }) => at));
    if (!this.#paused && behind > BEHIND_BYTES.most) this.#line.pause();
    else if (this.#paused && behind < BEHIND_BYTES.least) this.#line.resume();
    else return;
    this.#paused = !this.#paused;
  }
}
