import type { NextState, Write, WriteAnswer } from '../store.ts';
import { Batcher } from './batcher.ts';
import type { Engine, Tell } from './engine.ts';
import type { Link } from './link/link.ts';
import { Notes } from './notes.ts';
import {
  claimedMove,
  foundWritten,
  type Move,
  refusals,
  writeMoves,
  writtenAnswer,
} from './statements/write.ts';

const BATCH_MAX = 256;
const BATCH_MIN = 64;
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
  readonly #batcher: Batcher<Item>;

  constructor(engine: Engine, tell: Tell) {
    this.#engine = engine;
    this.#tell = tell;
    this.#batcher = new Batcher<Item>({
      timers: engine.timers,
      lanes: LANES,
      max: BATCH_MAX,
      min: BATCH_MIN,
      run: batch => this.#run(batch),
      joiner: apart,
    });
  }

  write(write: Write, next: NextState): Promise<WriteAnswer> {
    return new Promise((resolve, reject) => this.#batcher.push({ write, next, resolve, reject }));
  }

  drained(): Promise<void> {
    return this.#batcher.drained();
  }

  async #run(batch: readonly Item[]): Promise<void> {
    const now = this.#engine.clock.now();
    const moves = new Map<Item, Move>();
    for (const item of batch) {
      try {
        moves.set(item, claimedMove(item.write, item.next, now));
      } catch (error) {
        item.reject(error);
      }
    }
    if (moves.size > 0) await this.#writeAll(moves, now);
  }

  async #writeAll(moves: ReadonlyMap<Item, Move>, now: number): Promise<void> {
    try {
      const { answers, notes } = await this.#engine.persist(this.#engine.lanes, (link, unsure) =>
        this.#writeOnce(link, moves, now, unsure),
      );
      this.#tell(notes);
      for (const [item, answer] of answers) item.resolve(answer);
    } catch (error) {
      if (moves.size === 1 || !isOfOneItem(error)) {
        for (const item of moves.keys()) item.reject(error);
        return;
      }
      // One that cannot be written must not fail its neighbours.
      for (const one of moves) await this.#writeAll(new Map([one]), now);
    }
  }

  async #writeOnce(
    link: Link,
    moves: ReadonlyMap<Item, Move>,
    now: number,
    unsure: boolean,
  ): Promise<{ answers: Map<Item, WriteAnswer>; notes: Notes }> {
    const notes = new Notes();
    const moved = await writeMoves(this.#engine, link, [...moves.values()], now, notes);
    const left = [...moves].filter(([, { before }]) => !moved.has(before.msgid));
    const found =
      unsure && left.length > 0
        ? await foundWritten(
            link,
            left.map(([, move]) => move),
          )
        : new Set<number>();
    for (const [, move] of left) if (found.has(move.before.msgid)) tellAgain(move, notes);
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

/** Listeners hear now of what was written by the try whose answer was lost. */
function tellAgain({ after, address, chained, keep }: Move, notes: Notes): void {
  notes.note(
    after,
    chained.map(({ commit }) => commit),
  );
  if (!keep && address !== null && after.phase === 'open') notes.ready.push(address);
}

/** A store that is unavailable is so for all; anything else may be the fault of one row. */
function isOfOneItem(error: unknown): boolean {
  return !(error instanceof Error && 'kind' in error && error.kind === 'unavailable');
}

/** A statement changes each row once: a message, and the parent that another one wakes, go into different batches. */
function apart(): (item: Item) => boolean {
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
