import type { Parameters } from '../../message/message.ts';
import type { Store } from '../../store/store.ts';
import { REAL_TIMERS, type Timers } from '../../store/timers.ts';
import { allocationOf } from '../allocations.ts';
import { lookAgain } from '../look-again.ts';
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
  readonly close: () => Promise<void>;

  constructor(options: ReservationWatchOptions) {
    this.#options = options;
    const { timers = REAL_TIMERS } = options;
    const onFault = (error: unknown) => options.onFault(error);
    this.close = lookAgain({ timers, everyMs: LOOK_MS, look: () => this.#look(), onFault });
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
