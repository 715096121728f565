import type { Repository } from './repository.ts';

const EVERY_MS = 60_000;

export interface RenewalOptions {
  readonly everyMs?: number;
  onFault(error: unknown): void;
}

/** Renews what the server signs before it expires, and copies what a fault kept from the store: now and every minute. */
export class Renewal {
  readonly #repository: Repository;
  readonly #onFault: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | null = null;

  constructor(repository: Repository, { everyMs = EVERY_MS, onFault }: RenewalOptions) {
    this.#repository = repository;
    this.#onFault = onFault;
    this.#timer = setInterval(() => this.#start(), everyMs);
    this.#timer.unref();
    this.#start();
  }

  #start(): void {
    this.#running ??= this.#repository
      .renew()
      .then(() => {})
      .catch(this.#onFault)
      .finally(() => {
        this.#running = null;
      });
  }

  /** Waits for the run under way. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }
}
