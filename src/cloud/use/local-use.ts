import type { Store } from '../../store/store.ts';
import { REAL_TIMERS, type Timers } from '../../store/timers.ts';
import type { Hypervisor } from '../compute/hypervisor.ts';
import { GuestMeter } from './guest-meter.ts';
import { isSlotDue, keepNow, keepSlot } from './use-history.ts';

/** As often as an agent reports. */
const EVERY_MS = 5000;

export interface LocalUseOptions {
  readonly store: Store;
  /** Of hosts that this process runs itself. */
  readonly hypervisors: ReadonlyMap<string, Hypervisor>;
  readonly timers?: Timers;
  onFault(error: unknown): void;
}

/** Measures the guests of hosts that this process runs itself, and keeps what they use. Simulated ones use nothing. */
export class LocalUse {
  readonly #options: LocalUseOptions;
  readonly #timers: Timers;
  readonly #meter = new GuestMeter();
  readonly #lastAt = new Map<string, number>();
  #stopWaiting: () => void = () => {};
  #turn: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(options: LocalUseOptions) {
    this.#options = options;
    this.#timers = options.timers ?? REAL_TIMERS;
    this.#wait();
  }

  async close(): Promise<void> {
    this.#ended = true;
    this.#stopWaiting();
    await this.#turn;
    this.#meter[Symbol.dispose]();
  }

  #wait(): void {
    this.#stopWaiting = this.#timers.after(
      EVERY_MS,
      () => {
        this.#turn = this.#look();
      },
      true,
    );
  }

  async #look(): Promise<void> {
    const { hypervisors, onFault } = this.#options;
    try {
      for (const [host, hypervisor] of hypervisors)
        if (hypervisor.kind !== 'simulated') await this.#keep(host, hypervisor);
    } catch (error) {
      onFault(error);
    }
    if (!this.#ended) this.#wait();
  }

  async #keep(host: string, hypervisor: Hypervisor): Promise<void> {
    const { store } = this.#options;
    const uses = Object.fromEntries(await this.#meter.measure(await hypervisor.list()));
    const before = this.#lastAt.get(host) ?? 0;
    // A host without guests costs nothing but the first time that it has none.
    if (Object.keys(uses).length === 0 && before === 0) return;
    const now = store.now();
    this.#lastAt.set(host, Object.keys(uses).length === 0 ? 0 : now);
    await store.jot(async db => {
      await keepNow(db, host, now, uses);
      if (isSlotDue(before, now)) await keepSlot(db, host, now, uses);
    });
  }
}
