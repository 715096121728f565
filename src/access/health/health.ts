import { CoaxError, type Fault, textOf } from '../../errors/coax-error.ts';
import type { Store } from '../../store/store.ts';

/** A store that does not answer for so long is away. */
const ANSWER_MS = 2000;

/** Whether this process can take work: it has started, its store answers, and nobody told it to stop. */
export class Health {
  readonly version: string;
  readonly simulated: boolean;
  readonly #draining = new AbortController();
  #store: Pick<Store, 'readyAddresses'> | null = null;

  constructor(version: string, simulated: boolean) {
    this.version = version;
    this.simulated = simulated;
  }

  /** The store is open, and its tables are those of this version. */
  opened(store: Pick<Store, 'readyAddresses'>): void {
    this.#store = store;
  }

  /** From now on it takes nothing new. */
  drain(): void {
    this.#draining.abort();
  }

  /** Aborts when it drains. */
  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  /** Why it can take no work now; none when it can. */
  async faults(): Promise<readonly Fault[]> {
    const faults: Fault[] = [];
    if (this.#draining.signal.aborted)
      faults.push({ where: 'draining', reason: 'steps under way end, and nothing new is taken' });
    if (this.#store === null)
      faults.push({ where: 'starting', reason: 'the store is being opened and migrated' });
    else {
      const reason = await answer(this.#store);
      if (reason !== null) faults.push({ where: 'store', reason });
    }
    return faults;
  }

  /** COAX_NOT_READY, with every reason, when it can take no work. */
  async check(): Promise<void> {
    const faults = await this.faults();
    if (faults.length > 0) throw notReady(faults);
  }

  /** COAX_NOT_READY when it drains. */
  refuseWhenDraining(): void {
    if (this.#draining.signal.aborted)
      throw notReady([{ where: 'draining', reason: 'steps under way end, and nothing new is taken' }]);
  }
}

function notReady(faults: readonly Fault[]): CoaxError {
  const reason = `no work is taken now: ${faults.map(fault => `${fault.where} (${fault.reason})`).join(', ')}`;
  return new CoaxError('COAX_NOT_READY', reason, { faults, retryAfterMs: 1000 });
}

async function answer(store: Pick<Store, 'readyAddresses'>): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve(`it does not answer within ${ANSWER_MS / 1000} s`), ANSWER_MS);
  try {
    return await Promise.race([promise, store.readyAddresses().then(() => null)]);
  } catch (error) {
    return error instanceof CoaxError ? error.reason : textOf(error);
  } finally {
    clearTimeout(timer);
  }
}
