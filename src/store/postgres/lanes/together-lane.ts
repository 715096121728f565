import type { NextState, Write, WriteAnswer } from '../../store.ts';
import type { Together } from '../../tx.ts';
import type { Engine, Tell } from '../engine.ts';
import { remedyOf } from '../postgres-error.ts';
import type { PostgresTx } from '../postgres-tx.ts';
import { Batcher } from './batcher.ts';
import type { FirstSteps } from './first-steps.ts';
import { inTransaction } from './transaction.ts';
import { apart } from './write-lane.ts';
import { type TogetherWrite, within, writeTogether } from './write-together.ts';

const BATCH_MAX = 64;
/** Beside a batch that is under way another begins only with so many. */
const BATCH_MIN = 16;
const LANES = 2;
/** Tries of a transaction that lost a deadlock or a race. */
const TRIES_MAX = 5;

interface Item extends TogetherWrite {
  resolve(answer: WriteAnswer): void;
  reject(error: unknown): void;
}

/**
 * Transactional steps of many messages: those of one kind that are asked for at the same time are one transaction of few
 * statements, which runs beside those of other servers. What cannot be done so is done alone.
 */
export class TogetherLane {
  readonly #engine: Engine;
  readonly #tell: Tell;
  readonly #first: FirstSteps;
  readonly #alone: (write: Write) => Promise<WriteAnswer>;
  readonly #batcher: Batcher<Item>;

  /** `first`: hears how long a kind took; `alone` does one write in a transaction of its own. */
  constructor(engine: Engine, tell: Tell, first: FirstSteps, alone: (write: Write) => Promise<WriteAnswer>) {
    this.#engine = engine;
    this.#tell = tell;
    this.#first = first;
    this.#alone = alone;
    this.#batcher = new Batcher<Item>({
      timers: engine.timers,
      lanes: LANES,
      max: BATCH_MAX,
      min: BATCH_MIN,
      joiner: ofOneKind,
      run: batch => this.#run(batch),
    });
  }

  write(write: Write, together: Together<NextState>): Promise<WriteAnswer> {
    return new Promise((resolve, reject) => this.#batcher.push({ write, together, resolve, reject }));
  }

  /** Runs a transaction of the caller's own beside others. */
  async transact<T>(work: (tx: PostgresTx) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      const ended = await inTransaction(this.#engine, this.#engine.shared, 'shared', async (link, notes) => ({
        value: await within(this.#engine, link, notes, work),
      }));
      if (ended.fate === 'committed') {
        this.#tell(ended.notes);
        return ended.value;
      }
      const remedy = remedyOf(ended.error);
      if (ended.fate === 'unknown' || remedy === 'none') throw ended.error;
      if (remedy !== 'again' || tries === TRIES_MAX) throw this.#engine.fault(ended.error);
    }
  }

  drained(): Promise<void> {
    return this.#batcher.drained();
  }

  async #run(batch: readonly Item[]): Promise<void> {
    const began = this.#engine.timers.monotonic();
    const ended = await inTransaction(this.#engine, this.#engine.shared, 'shared', (link, notes) =>
      writeTogether(this.#engine, link, notes, batch),
    );
    if (ended.fate === 'unknown') {
      for (const { reject } of batch) reject(ended.error);
      return;
    }
    const answers = ended.fate === 'committed' ? ended.value : new Map<Item, WriteAnswer>();
    if (ended.fate === 'committed') {
      this.#tell(ended.notes);
      this.#first.took(batch[0]!.together.kind, this.#engine.timers.monotonic() - began);
    }
    for (const item of batch) {
      const answer = answers.get(item);
      if (answer !== undefined) item.resolve(answer);
      else void this.#alone(item.write).then(item.resolve, item.reject);
    }
  }
}

/** One batch: of one kind, and no message together with its parent. */
function ofOneKind(): (item: Item) => boolean {
  let kind: object | undefined;
  const isApart = apart();
  return item => {
    kind ??= item.together.kind;
    return item.together.kind === kind && isApart(item);
  };
}
