import { CoaxError } from '../../../errors/coax-error.ts';
import type { Claim, FirstStep, Place, Written } from '../../store.ts';
import { inTime } from '../../timers.ts';
import type { Engine } from '../engine.ts';
import type { Link } from '../link/link.ts';
import type { Notes } from '../notes.ts';
import { insertPrepared, noteMade, type Prepared, placeOf } from '../statements/submit.ts';
import { inTransaction } from './transaction.ts';
import { type TogetherWrite, writeTogether } from './write-together.ts';

/** In a larger batch the wait for the disk is shared anyway, and acceptance need not wait for the steps. */
const BATCH_MAX = 16;
/** What takes longer is not done before its message is accepted. */
const QUICK_MS = 50;
/** A step that is not done by now is broken off: its message is accepted without it. */
const LATE_MS = 500;

interface Item extends TogetherWrite {
  readonly step: FirstStep;
}

/** First steps that were done, by the msgids of their messages, and what is to be told. */
export interface StepsDone {
  readonly notes: Notes;
  readonly written: ReadonlyMap<number, Written>;
}

/**
 * First steps in the transaction that accepts their messages: one wait for the disk, and half of the ways there and back. Only what
 * was quick the last time; where anything goes wrong or has to wait, nothing is kept, and the messages are accepted without it.
 */
export class FirstSteps {
  readonly #engine: Engine;
  readonly #quick = new WeakSet<object>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Steps of that kind took so long, together. */
  took(kind: object, ms: number): void {
    if (ms <= QUICK_MS) this.#quick.add(kind);
    else this.#quick.delete(kind);
  }

  /** Accepts them, and does first steps of theirs; null, and nothing is written, where that may not be or did not go. */
  async accept(prepared: Prepared, now: number): Promise<StepsDone | null> {
    const items = this.#itemsOf(prepared);
    const [first] = items;
    if (first === undefined) return null;
    const { kind } = first.together;
    const began = this.#engine.timers.monotonic();
    const ended = await inTransaction(
      this.#engine,
      // Not where steps may wait for each other.
      this.#engine.lanes,
      'hasty',
      (link, notes) => {
        noteMade(prepared.made, notes);
        return this.#inTime(link, writeTogether(this.#engine, link, notes, items));
      },
      link => insertPrepared(this.#engine, link, prepared, now),
    );
    if (ended.fate === 'unknown') throw ended.error;
    if (ended.fate === 'aborted') {
      this.#quick.delete(kind);
      return null;
    }
    this.took(kind, this.#engine.timers.monotonic() - began);
    const written = new Map<number, Written>();
    for (const [{ step }, answer] of ended.value) {
      if (answer.kind !== 'written') continue;
      written.set(answer.message.msgid, answer);
      step.done(answer);
    }
    return { notes: ended.notes, written };
  }

  /** What is still under way then ends with its connection. */
  #inTime<T>(link: Link, work: Promise<T>): Promise<T> {
    return inTime(this.#engine.timers, LATE_MS, work, () => {
      link.destroy();
      return new CoaxError('COAX_STEP_TIMEOUT', 'a first step held up the acceptance of its message');
    });
  }

  /** Those of the first kind that there is. What is counted against a limit keeps others from it until the end. */
  #itemsOf({ made, counts }: Prepared): Item[] {
    if (made.length > BATCH_MAX || counts.size > 0) return [];
    const items: Item[] = [];
    for (const { place, claim } of made.flatMap(one => placeOf(one) ?? [])) {
      const step = beginOf(place, claim);
      if (step === null) continue;
      const { together } = step.write;
      const kind = items[0]?.together.kind ?? together.kind;
      if (together.kind === kind && this.#quick.has(kind)) items.push({ step, write: step.write, together });
    }
    return items;
  }
}

/** What goes wrong here goes wrong once more where the worker does the step, and is told there. */
function beginOf(place: Place, claim: Claim): FirstStep | null {
  try {
    return place.begin?.(claim) ?? null;
  } catch {
    return null;
  }
}
