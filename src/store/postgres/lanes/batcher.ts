import type { Timers } from '../../timers.ts';

export interface BatcherOptions<Item> {
  readonly timers: Timers;
  /** Batches under way at one time. */
  readonly lanes: number;
  readonly max: number;
  /** Beside a batch that is under way, another begins only with so many. */
  readonly min: number;
  /** Answers every item itself, and never rejects. */
  run(batch: readonly Item[]): Promise<void>;
  /** Begins a batch: says of each item in turn whether it may join. Those that may not wait for a later batch. */
  joiner?(): (item: Item) => boolean;
}

/** Gathers what is asked for at the same time: while some batches are being made durable, the next one fills. */
export class Batcher<Item> {
  readonly #options: BatcherOptions<Item>;
  #waiting: Item[] = [];
  #busy = 0;
  #scheduled = false;
  #idle: (() => void)[] = [];

  constructor(options: BatcherOptions<Item>) {
    this.#options = options;
  }

  push(item: Item): void {
    this.#waiting.push(item);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.timers.soon(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  /** Resolves when nothing waits and nothing is under way. */
  async drained(): Promise<void> {
    while (this.#busy > 0 || this.#waiting.length > 0)
      await new Promise<void>(resolve => this.#idle.push(resolve));
  }

  #pump(): void {
    const { lanes, min } = this.#options;
    while (this.#waiting.length > 0 && this.#busy < lanes) {
      if (this.#busy > 0 && this.#waiting.length < min) return;
      this.#busy += 1;
      void this.#options.run(this.#take()).finally(() => {
        this.#busy -= 1;
        this.#pump();
        if (this.#busy === 0 && this.#waiting.length === 0) for (const wake of this.#idle.splice(0)) wake();
      });
    }
  }

  #take(): Item[] {
    const { max } = this.#options;
    const joins = this.#options.joiner?.();
    if (joins === undefined) return this.#waiting.splice(0, max);
    const batch: Item[] = [];
    const left: Item[] = [];
    for (const item of this.#waiting) {
      if (batch.length < max && joins(item)) batch.push(item);
      else left.push(item);
    }
    this.#waiting = left;
    return batch;
  }
}
