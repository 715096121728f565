import type { Commit } from '../../ledger/commit.ts';
import type { CommitEvent } from '../../store/store.ts';
import { Histogram } from './histogram.ts';

/** A plan may name any step: those after so many are counted together. */
const STEPS_MAX = 500;
const OTHERS = 'other';
/** Commits that are no step's: accepted, and what people decide. */
const NO_STEP = '';

export interface StepTally {
  /** By mode and outcome. */
  readonly outcomes: Map<string, { readonly mode: string; readonly outcome: string; count: number }>;
  readonly took: Histogram;
}

/** Counts transitions by step, mode and outcome, and how long steps took. It stands in the hot path: two looks into a map. */
export class Tally {
  readonly steps = new Map<string, StepTally>();

  count({ commits }: CommitEvent): void {
    for (const commit of commits) this.#commit(commit);
  }

  #commit({ step, mode, outcome, started, finished, worker }: Commit): void {
    const tally = this.#of(step ?? NO_STEP);
    const key = mode === 'normal' ? outcome : `undo ${outcome}`;
    const known = tally.outcomes.get(key);
    if (known === undefined) tally.outcomes.set(key, { mode, outcome, count: 1 });
    else known.count++;
    if (worker !== null) tally.took.observe(Math.max(0, finished - started) / 1000);
  }

  #of(step: string): StepTally {
    let tally = this.steps.get(step);
    if (tally === undefined) {
      const name = this.steps.size < STEPS_MAX ? step : OTHERS;
      tally = this.steps.get(name);
      if (tally === undefined) {
        tally = { outcomes: new Map(), took: new Histogram() };
        this.steps.set(name, tally);
      }
    }
    return tally;
  }
}
