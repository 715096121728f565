import type { ObjectStore } from '../object-store/object-store.ts';
import type { Store } from '../store/store.ts';
import { type ArchiveReport, archiveMessages } from './archive-messages.ts';

const EVERY_MS = 3_600_000;

export interface RetentionOptions {
  /** Finished messages stay in the store for so long. */
  readonly retainMs: number;
  readonly objects: ObjectStore;
  readonly everyMs?: number;
  onReport(report: ArchiveReport): void;
  onFault(error: unknown): void;
}

/** Archives what has become old, now and every hour, while the server runs. */
export class Retention {
  readonly #store: Store;
  readonly #options: RetentionOptions;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | null = null;

  constructor(store: Store, options: RetentionOptions) {
    this.#store = store;
    this.#options = options;
    this.#timer = setInterval(() => this.#start(), options.everyMs ?? EVERY_MS);
    this.#timer.unref();
    this.#start();
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  async #run(): Promise<void> {
    const { objects, retainMs, onReport, onFault } = this.#options;
    try {
      const report = await archiveMessages(this.#store, objects, { before: this.#store.now() - retainMs });
      if (report.messages > 0) onReport(report);
    } catch (error) {
      onFault(error);
    }
  }

  /** Waits for the run under way. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }
}
