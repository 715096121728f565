import { isCoaxError } from '../../../errors/coax-error.ts';
import type { Accepted, Place, Submission } from '../../store.ts';
import type { Engine, Tell } from '../engine.ts';
import type { Link } from '../link/link.ts';
import { ensurePartitions, lacksPartition } from '../migrate.ts';
import { Notes } from '../notes.ts';
import { codeOf } from '../postgres-error.ts';
import { NOT_COUNTED } from '../statements/message-quota.ts';
import {
  fillPlaces,
  foundSubmitted,
  insertPrepared,
  KeysMoved,
  noteMade,
  type Prepared,
  plansOf,
  prepareSubmits,
  withPlaces,
} from '../statements/submit.ts';
import { Batcher } from './batcher.ts';
import type { FirstSteps, StepsDone } from './first-steps.ts';

const CALLS_MAX = 512;
const LANES = 2;
/** So often a batch makes room for keys that others took meanwhile. */
const ROUNDS_MAX = 20;

/** What was worked out, while it is not known to be accepted. */
interface State {
  prepared: Prepared | null;
}

interface Call {
  readonly batch: readonly Submission[];
  resolve(answers: readonly Accepted[]): void;
  reject(error: unknown): void;
}

/** Accepts messages: the calls of the same moment are one statement and one wait for the disk. */
export class SubmitLane {
  readonly #engine: Engine;
  readonly #tell: Tell;
  readonly #first: FirstSteps;
  readonly #batcher: Batcher<Call>;
  readonly #takeBack: (tag: number) => void;
  /** The first msgid that has no partition. */
  #partitionsEnd = 0;
  /** Who takes messages at once. */
  readonly takers = new Set<(address: string) => Place | null>();

  /** `takeBack`: gives back what was leased under a tag and nobody heard of. */
  constructor(engine: Engine, tell: Tell, first: FirstSteps, takeBack: (tag: number) => void) {
    this.#engine = engine;
    this.#tell = tell;
    this.#first = first;
    this.#takeBack = takeBack;
    this.#batcher = new Batcher<Call>({
      timers: engine.timers,
      lanes: LANES,
      max: CALLS_MAX,
      min: 32,
      run: batch => this.#run(batch),
    });
  }

  submit(batch: readonly Submission[]): Promise<readonly Accepted[]> {
    return new Promise((resolve, reject) => this.#batcher.push({ batch, resolve, reject }));
  }

  drained(): Promise<void> {
    return this.#batcher.drained();
  }

  async #run(calls: readonly Call[]): Promise<void> {
    const now = this.#engine.clock.now();
    // Kept over tries: the same msgids, so that what was written by a try without an answer is found.
    const state: State = { prepared: null };
    try {
      const steps = await this.#withSteps(calls, now, state);
      const prepared = steps?.prepared ?? (await this.#withoutSteps(calls, now, state));
      this.#engine.plans.kept(plansOf(prepared.made));
      this.#tell(steps?.notes ?? notesOf(prepared));
      fillPlaces(prepared, steps?.written ?? new Map());
      state.prepared = null;
      for (const [index, call] of calls.entries()) await this.#answer(call, prepared.answers[index], calls);
    } catch (error) {
      const kept = free(state.prepared);
      if (kept > 0 && isCoaxError(error, 'COAX_STORE_UNAVAILABLE')) this.#takeBack(state.prepared!.tag);
      if (calls.length === 1 || isCoaxError(error, 'COAX_STORE_UNAVAILABLE')) {
        for (const call of calls) call.reject(error);
        return;
      }
      // One that cannot be kept must not fail its neighbours.
      for (const call of calls) await this.#run([call]);
    }
  }

  /** Accepts them together with their first steps; null, and nothing is written, where that may not be or did not go. */
  async #withSteps(
    calls: readonly Call[],
    now: number,
    state: State,
  ): Promise<(StepsDone & { readonly prepared: Prepared }) | null> {
    if (this.takers.size === 0) return null;
    const prepared = await this.#engine.persist(this.#engine.lanes, async link => {
      state.prepared ??= await this.#prepare(link, calls, now);
      await this.#makeRoom(link, lastOf(state.prepared));
      return state.prepared;
    });
    const done = await this.#first.accept(prepared, now);
    return done && { ...done, prepared };
  }

  #withoutSteps(calls: readonly Call[], now: number, state: State): Promise<Prepared> {
    return this.#engine.persist(this.#engine.lanes, (link, unsure) =>
      this.#submitOnce(link, calls, now, state, unsure),
    );
  }

  async #answer(
    call: Call,
    answer: readonly Accepted[] | Error | undefined,
    calls: readonly Call[],
  ): Promise<void> {
    if (answer instanceof KeysMoved && calls.length > 1) await this.#run([call]);
    else if (answer instanceof Error) call.reject(answer);
    else call.resolve(answer ?? []);
  }

  async #submitOnce(
    link: Link,
    calls: readonly Call[],
    now: number,
    state: State,
    unsure: boolean,
  ): Promise<Prepared> {
    for (let round = 1; ; round++) {
      if (unsure && state.prepared !== null && (await foundSubmitted(link, state.prepared.made)))
        return state.prepared;
      state.prepared ??= await this.#prepare(link, calls, now);
      const { made } = state.prepared;
      try {
        await this.#makeRoom(link, lastOf(state.prepared));
        await insertPrepared(this.#engine, link, state.prepared, now);
        return state.prepared;
      } catch (error) {
        if (round >= ROUNDS_MAX) throw error;
        if (lacksPartition(error)) this.#partitionsEnd = 0;
        // The try before, which was given up, has come through meanwhile.
        else if (unsure && codeOf(error) === '23505' && (await foundSubmitted(link, made)))
          return state.prepared;
        // Another server took one of the keys: its message is the answer now. Or what was left of a quota.
        else if (codeOf(error) === '23505' || codeOf(error) === NOT_COUNTED) {
          free(state.prepared);
          state.prepared = null;
        } else throw error;
      }
    }
  }

  async #prepare(link: Link, calls: readonly Call[], now: number): Promise<Prepared> {
    const prepared = await prepareSubmits(this.#engine, link, calls, now);
    if (this.takers.size === 0) return prepared;
    const reserve = (address: string): Place | null => {
      for (const taker of this.takers) {
        const place = taker(address);
        if (place !== null) return place;
      }
      return null;
    };
    return withPlaces(this.#engine, prepared, reserve, now);
  }

  async #makeRoom(link: Link, msgid: number): Promise<void> {
    if (msgid < this.#partitionsEnd) return;
    this.#partitionsEnd = await ensurePartitions(link, msgid);
  }
}

const lastOf = ({ made }: Prepared): number => made.at(-1)?.first.message.msgid ?? 0;

function notesOf({ made }: Prepared): Notes {
  const notes = new Notes();
  noteMade(made, notes);
  return notes;
}

/** Nobody comes to the places that were kept. Returns how many they were. */
function free(prepared: Prepared | null): number {
  const places = prepared?.made.flatMap(({ place }) => place ?? []) ?? [];
  for (const place of places) place.free();
  return places.length;
}
