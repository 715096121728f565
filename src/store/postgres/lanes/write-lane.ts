import type { NextState, Write, WriteAnswer } from '../../store.ts';
import type { Engine, Tell } from '../engine.ts';
import type { Link } from '../link/link.ts';
import { Notes } from '../notes.ts';
import {
  claimedMove,
  foundWritten,
  isKept,
  isLast,
  type Move,
  noteMove,
  refusals,
  type WriteMoves,
  writeKept,
  writeLast,
  writeMoves,
  writtenAnswer,
} from '../statements/write.ts';
import { Batcher } from './batcher.ts';

const BATCH_MAX = 192;
const BATCH_MIN = 96;
const LANES = 4;

interface Item {
  readonly write: Write;
  readonly next: NextState;
  resolve(answer: WriteAnswer): void;
  reject(error: unknown): void;
}

/** Transitions of claimed messages: what is asked for at the same time is one statement and one wait for the disk. */
export class WriteLane {
  readonly #engine: Engine;
  readonly #tell: Tell;
  /** Of moves whose worker keeps the message, of those that end one, and of all others. */
  readonly #kept: Batcher<Item>;
  readonly #last: Batcher<Item>;
  readonly #others: Batcher<Item>;

  constructor(engine: Engine, tell: Tell) {
    this.#engine = engine;
    this.#tell = tell;
    const common = { timers: engine.timers, lanes: LANES, max: BATCH_MAX, min: BATCH_MIN, joiner: apart };
    this.#kept = new Batcher<Item>({ ...common, run: batch => this.#run(batch, writeKept) });
    this.#last = new Batcher<Item>({ ...common, run: batch => this.#run(batch, writeLast) });
    this.#others = new Batcher<Item>({ ...common, run: batch => this.#run(batch, writeMoves) });
  }

  write(write: Write, next: NextState): Promise<WriteAnswer> {
    return new Promise((resolve, reject) =>
      this.#batcherOf(write, next).push({ write, next, resolve, reject }),
    );
  }

  #batcherOf(write: Write, next: NextState): Batcher<Item> {
    if (isKept(write, next)) return this.#kept;
    return isLast(write, next) ? this.#last : this.#others;
  }

  async drained(): Promise<void> {
    await Promise.all([this.#kept.drained(), this.#last.drained(), this.#others.drained()]);
  }

  async #run(batch: readonly Item[], statement: WriteMoves): Promise<void> {
    const now = this.#engine.clock.now();
    const moves = new Map<Item, Move>();
    for (const item of batch) {
      try {
        moves.set(item, claimedMove(item.write, item.next, now));
      } catch (error) {
        item.reject(error);
      }
    }
    if (moves.size > 0) await this.#writeAll(moves, now, statement);
  }

  async #writeAll(moves: ReadonlyMap<Item, Move>, now: number, statement: WriteMoves): Promise<void> {
    try {
      const { answers, notes } = await this.#engine.persist(this.#engine.lanes, (link, unsure) =>
        this.#writeOnce(link, moves, now, statement, unsure),
      );
      this.#tell(notes);
      for (const [item, answer] of answers) item.resolve(answer);
    } catch (error) {
      if (moves.size === 1 || !isOfOneItem(error)) {
        for (const item of moves.keys()) item.reject(error);
        return;
      }
      // One that cannot be written must not fail its neighbours.
      for (const one of moves) await this.#writeAll(new Map([one]), now, statement);
    }
  }

  async #writeOnce(
    link: Link,
    moves: ReadonlyMap<Item, Move>,
    now: number,
    statement: WriteMoves,
    unsure: boolean,
  ): Promise<{ answers: Map<Item, WriteAnswer>; notes: Notes }> {
    const notes = new Notes();
    const moved = await statement(this.#engine, link, [...moves.values()], now, notes);
    const left = [...moves].filter(([, { before }]) => !moved.has(before.msgid));
    const found =
      unsure && left.length > 0
        ? await foundWritten(
            link,
            left.map(([, move]) => move),
          )
        : new Set<number>();
    for (const [, move] of left) if (found.has(move.before.msgid)) noteMove(move, notes);
    const lost = left.filter(([, { before }]) => !found.has(before.msgid)).map(([item]) => item);
    const refused =
      lost.length === 0
        ? new Map<number, WriteAnswer>()
        : await refusals(
            this.#engine,
            link,
            lost.map(({ write }) => write.claim),
          );
    const answers = new Map<Item, WriteAnswer>();
    for (const [item, move] of moves)
      answers.set(item, refused.get(move.before.msgid) ?? writtenAnswer(item.write, move));
    return { answers, notes };
  }
}

/** A store that is unavailable is so for all; anything else may be the fault of one row. */
function isOfOneItem(error: unknown): boolean {
  return !(error instanceof Error && 'kind' in error && error.kind === 'unavailable');
}

/** A statement changes each row once: a message, and the parent that another one wakes, go into different batches. */
export function apart(): (item: { readonly write: Write }) => boolean {
  const msgids = new Set<number>();
  const parents = new Set<number>();
  return ({ write: { claim } }) => {
    const parent = claim.message.parent?.msgid;
    if (msgids.has(claim.msgid) || parents.has(claim.msgid)) return false;
    if (parent !== undefined && msgids.has(parent)) return false;
    msgids.add(claim.msgid);
    if (parent !== undefined) parents.add(parent);
    return true;
  };
}
