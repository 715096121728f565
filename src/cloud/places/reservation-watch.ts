import type { Parameters } from '../../message/message.ts';
import type { Store } from '../../store/store.ts';
import { REAL_TIMERS, type Timers } from '../../store/timers.ts';
import { allocationOf } from '../allocations.ts';
import { cloudTables } from '../schema.ts';

const LOOK_MS = 1000;
/** What failed is tried again so often. */
const AGAIN_MS = 60_000;

export interface ReservationWatchOptions {
  readonly store: Pick<Store, 'reader' | 'now'>;
  /** Submits a flow that comes with Coax. The same key never makes a second message. */
  submit(flow: string, parameters: Parameters, key: string): Promise<void>;
  onFault(error: unknown): void;
  readonly timers?: Timers;
}

/** Ends reservations whose time is over, each by a message; several servers submit each only once, since its key says what for. */
export class ReservationWatch {
  readonly #options: ReservationWatchOptions;
  readonly #timers: Timers;
  #stop: () => void = () => {};
  #closed = false;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: ReservationWatchOptions) {
    this.#options = options;
    this.#timers = options.timers ?? REAL_TIMERS;
    this.#later();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stop();
    await this.#looking;
  }

  #later(): void {
    if (this.#closed) return;
    const look = (): void => {
      this.#looking = this.#look()
        .catch(error => this.#options.onFault(error))
        .finally(() => this.#later());
    };
    this.#stop = this.#timers.after(LOOK_MS, look, true);
  }

  async #look(): Promise<void> {
    const { store, submit } = this.#options;
    const now = store.now();
    const rows = await cloudTables(store.reader)
      .selectFrom('allocations')
      .selectAll()
      .where('kind', '=', 'reservation')
      .where('detail', 'like', '%"until":%')
      .execute();
    for (const { key, msgid, detail } of rows.map(allocationOf)) {
      if (!isOver(detail, now)) continue;
      const again = Math.floor((now - Number(detail.until)) / AGAIN_MS);
      await submit(
        'end_reservation',
        { reservation: key, message: msgid },
        `end-reservation/${key}/${msgid}/${again}`,
      );
    }
  }
}

/** Whether the time of a reservation with this record is over. */
export const isOver = (detail: Parameters, now: number): boolean =>
  detail.until !== undefined && Number(detail.until) <= now;
