import type { Engine } from '../engine.ts';
import { CLOCK_MS, type Link } from '../link/link.ts';
import { decodeNotice, type Notice } from './notice.ts';
import type { ChannelNames } from './notifier.ts';

/** An idle connection is looked after so often: it may be dead without a sign. */
const LOOK_MS = 5000;
const AGAIN_MIN_MS = 100;
const AGAIN_MAX_MS = 5000;

/** Hears what other servers tell, on a connection of its own that is made again whenever it breaks. */
export class Listener {
  readonly #engine: Engine;
  readonly #channels: ChannelNames;
  readonly #heard: (notice: Notice) => void;
  #link: Link | null = null;
  #closed = false;
  #withCommits = false;
  #wake: (() => void) | undefined;
  readonly #loop: Promise<void>;

  constructor(engine: Engine, channels: ChannelNames, heard: (notice: Notice) => void) {
    this.#engine = engine;
    this.#channels = channels;
    this.#heard = heard;
    this.#loop = this.#run();
  }

  get connected(): boolean {
    return this.#link !== null;
  }

  /** Hears of commits too, or no more. Another connection begins so. */
  hearCommits(on: boolean): void {
    if (this.#withCommits === on) return;
    this.#withCommits = on;
    const word = on ? 'LISTEN' : 'UNLISTEN';
    void this.#link?.once(`${word} ${quoted(this.#channels.commits)}`).catch(() => {});
  }

  async #run(): Promise<void> {
    let again = AGAIN_MIN_MS;
    while (!this.#closed) {
      try {
        const link = await this.#engine.connect('hot');
        await this.#listen(link);
        again = AGAIN_MIN_MS;
        await this.#look(link);
      } catch {
        // Made again below; who writes hears of the trouble.
      }
      this.#link = null;
      if (this.#closed) return;
      await this.#sleep(again);
      again = Math.min(again * 2, AGAIN_MAX_MS);
    }
  }

  async #listen(link: Link): Promise<void> {
    link.client.on('notification', ({ payload }) => {
      const notice = decodeNotice(payload ?? '');
      if (notice !== null && notice.origin !== this.#engine.origin) this.#heard(notice);
    });
    this.#link = link;
    const { work, commits } = this.#channels;
    const both = this.#withCommits ? `; LISTEN ${quoted(commits)}` : '';
    await this.#engine.look(link, () => link.once(`LISTEN ${quoted(work)}${both}`));
    // Nobody knows what was told meanwhile.
    this.#heard({ origin: 0, ready: null, asked: [], commits: true, listens: false, asks: false });
  }

  /** Until the connection ends. */
  async #look(link: Link): Promise<void> {
    link.onEnd(() => this.#wake?.());
    while (!link.broken && !this.#closed) {
      await this.#sleep(LOOK_MS);
      if (link.broken || this.#closed) break;
      const [row] = await this.#engine.look(link, () =>
        link.run<{ clock: number }>(`SELECT ${CLOCK_MS} AS clock`),
      );
      if (row !== undefined) this.#engine.clock.heard(row.clock);
    }
    await link.close();
  }

  #sleep(ms: number): Promise<void> {
    return new Promise(resolve => {
      const stop = this.#engine.timers.after(
        ms,
        () => {
          this.#wake = undefined;
          resolve();
        },
        true,
      );
      this.#wake = () => {
        stop();
        this.#wake = undefined;
        resolve();
      };
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    await this.#link?.close();
    await this.#loop;
  }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
