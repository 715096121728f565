import type { Repository } from '../repository.ts';
import type { CollectReport } from './collect.ts';

/** How soon after its start a server looks the first time, so that one that is often restarted looks, too. */
const FIRST_MS = 10 * 60_000;
/** Beyond it a timer of Node fires at once. */
const LONGEST_MS = 2 ** 31 - 1;
/** What nothing has named for so long is deleted. */
const GRACE_MS = 7 * 24 * 3_600_000;

export interface CollectionOptions {
  /** From the end of one look to the next. */
  readonly everyMs: number;
  readonly graceMs?: number;
  /** Hears of each look, whatever it found. */
  onReport(report: CollectReport): void;
  /** Hears of a look that failed; the next one comes all the same. */
  onFault(error: unknown): void;
}

/**
 * Deletes now and then what no published package has named for long, while this server lives. Several servers of a repository may do
 * so: since when nothing names a file stands in the store, and one of them deletes at a time. Does nothing before the first root.
 */
export class Collection {
  readonly #repository: Pick<Repository, 'state' | 'collectUnlessTaken'>;
  readonly #options: CollectionOptions;
  #timer: NodeJS.Timeout;
  #looking: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(repository: Pick<Repository, 'state' | 'collectUnlessTaken'>, options: CollectionOptions) {
    this.#repository = repository;
    this.#options = options;
    this.#timer = this.#after(Math.min(options.everyMs, FIRST_MS));
  }

  #after(ms: number): NodeJS.Timeout {
    return setTimeout(
      () => {
        this.#looking = this.#look().finally(() => {
          if (!this.#closed) this.#timer = this.#after(this.#options.everyMs);
        });
      },
      Math.min(ms, LONGEST_MS),
    ).unref();
  }

  async #look(): Promise<void> {
    const { graceMs = GRACE_MS, onReport, onFault } = this.#options;
    try {
      if ((await this.#repository.state()) === null) return;
      const report = await this.#repository.collectUnlessTaken({ graceMs, dryRun: false });
      if (report !== null) onReport(report);
    } catch (error) {
      onFault(error);
    }
  }

  /** Waits for the look under way. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }
}
