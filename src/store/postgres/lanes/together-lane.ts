import type { NextState, Write, WriteAnswer } from '../../store.ts';
import type { Together } from '../../tx.ts';
import type { Engine, Tell } from '../engine.ts';
import type { Link } from '../link/link.ts';
import type { Notes } from '../notes.ts';
import { remedyOf } from '../postgres-error.ts';
import { PostgresTx } from '../postgres-tx.ts';
import { allKept, allMoves, claimedMove, isKept, type Move, writtenAnswer } from '../statements/write.ts';
import { Batcher } from './batcher.ts';
import { type Done, inTransaction } from './transaction.ts';
import { apart } from './write-lane.ts';

const BATCH_MAX = 64;
/** Beside a batch that is under way another begins only with so many. */
const BATCH_MIN = 16;
const LANES = 2;
/** Tries of a transaction that lost a deadlock or a race. */
const TRIES_MAX = 5;

/** A write that may be done together with others of its kind. */
interface Item {
  readonly write: Write;
  readonly together: Together<NextState>;
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
  readonly #alone: (write: Write) => Promise<WriteAnswer>;
  readonly #batcher: Batcher<Item>;

  /** `alone`: does one write in a transaction of its own. */
  constructor(engine: Engine, tell: Tell, alone: (write: Write) => Promise<WriteAnswer>) {
    this.#engine = engine;
    this.#tell = tell;
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
        value: await this.#within(link, notes, work),
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
    const ended = await inTransaction(this.#engine, this.#engine.shared, 'shared', (link, notes) =>
      this.#writeAll(link, notes, batch),
    );
    if (ended.fate === 'unknown') {
      for (const { reject } of batch) reject(ended.error);
      return;
    }
    const answers = ended.fate === 'committed' ? ended.value : new Map<Item, WriteAnswer>();
    if (ended.fate === 'committed') this.#tell(ended.notes);
    for (const item of batch) {
      const answer = answers.get(item);
      if (answer !== undefined) item.resolve(answer);
      else void this.#alone(item.write).then(item.resolve, item.reject);
    }
  }

  /** Answers of those that were written; the others have written nothing. */
  async #writeAll(link: Link, notes: Notes, batch: readonly Item[]): Promise<Done<Map<Item, WriteAnswer>>> {
    const items = batch.map(({ together }) => together.item);
    const kept: Move[] = [];
    const others: Move[] = [];
    const answers = new Map<Item, WriteAnswer>();
    const now = await this.#within(link, notes, async tx => {
      const states = await batch[0]!.together.all(tx, items);
      for (const [index, item] of batch.entries()) {
        const next = states[index];
        if (next == null) continue;
        const move = claimedMove(item.write, next, tx.now);
        (isKept(item.write, next) ? kept : others).push(move);
        answers.set(item, writtenAnswer(item.write, move));
      }
      return tx.now;
    });
    // A claim that is history must not leave what its step wrote, nor a message of which somebody asked something: then they fail.
    const writes = [
      ...(kept.length > 0 ? [allKept(this.#engine, kept, now, notes)] : []),
      ...(others.length > 0 ? [allMoves(this.#engine, others, now, notes)] : []),
    ];
    return { value: answers, last: () => Promise.all(writes.map(write => write(link))) };
  }

  async #within<T>(link: Link, notes: Notes, work: (tx: PostgresTx) => Promise<T>): Promise<T> {
    const tx = new PostgresTx(this.#engine, link, notes, this.#engine.clock.now(), true);
    try {
      return await work(tx);
    } finally {
      tx.end();
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
