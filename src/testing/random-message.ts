import fc from 'fast-check';
import { isCoaxError } from '../errors/coax-error.ts';
import { type Advanced, advance } from '../message/advance.ts';
import { RETRY_DEFAULT } from '../message/backoff.ts';
import {
  isGroup,
  type MessageState,
  type Parameters,
  type Plan,
  type Step,
  type StepError,
} from '../message/message.ts';
import type { Outcome, Resolution } from '../message/outcome.ts';

/** Something that may happen to a message next, whatever its state. `die`: a worker took the step and was never heard of. */
export type Move =
  | {
      readonly move: 'work';
      readonly kind: 'ok' | 'retryable' | 'terminal' | 'split' | 'wait';
      readonly set: Parameters;
      /** The worker knows, when it fails, that it did not begin the step. */
      readonly unbegun?: boolean;
    }
  | { readonly move: 'die' }
  | { readonly move: 'cancel' }
  | { readonly move: 'revert' }
  | { readonly move: 'amend'; readonly edit: Parameters }
  | { readonly move: 'rewind'; readonly to: number; readonly edit: Parameters }
  | { readonly move: 'resolve'; readonly how: Resolution; readonly edit: Parameters };

const names = fc.constantFrom('a', 'b', 'c', 'ip', 'host');
const values = fc.oneof(fc.nat(3), fc.constantFrom('h1', null, [1, 2], { x: [1] }, { y: 'é' }));
export const someParameters: fc.Arbitrary<Parameters> = fc.dictionary(names, values, {
  maxKeys: 3,
  noNullPrototype: true,
});

const actions: fc.Arbitrary<Step> = fc.record(
  {
    module: fc.constantFrom('network', 'compute'),
    action: fc.constantFrom('alloc_ip', 'create_vm'),
    at: fc.constant('host'),
    timeoutMs: fc.constant(1000),
    retry: fc
      .integer({ min: 1, max: 3 })
      .map(attempts => ({ ...RETRY_DEFAULT, attempts, terminal: ['E_NEVER'] })),
  },
  { requiredKeys: ['module', 'action', 'timeoutMs', 'retry'] },
);
const groups: fc.Arbitrary<Step> = fc.oneof(
  actions.map(step => ({ all: [{ steps: [step] }, { name: 'second', steps: [step, step] }] })),
  actions.map(step => ({ each: 'a', as: 'item', limit: 2, steps: [step] })),
  actions.map(step => ({ each: 'a', as: 'item', limit: 2, tolerate: 1, steps: [step] })),
);

export const somePlans: fc.Arbitrary<Plan> = fc
  .array(fc.oneof({ weight: 3, arbitrary: actions }, { weight: 1, arbitrary: groups }), {
    minLength: 1,
    maxLength: 5,
  })
  .map(steps => ({ steps }));

const work = (kinds: readonly Extract<Move, { move: 'work' }>['kind'][]): fc.Arbitrary<Move> =>
  fc.record({
    move: fc.constant('work' as const),
    kind: fc.constantFrom(...kinds),
    set: someParameters,
    unbegun: fc.boolean(),
  });

export const someWork = work(['ok', 'ok', 'ok', 'retryable', 'terminal', 'split', 'wait']);

/** `edits`: may people change parameters? */
export function someMoves(edits: boolean): fc.Arbitrary<Move> {
  const edit = edits ? someParameters : fc.constant({});
  const how = fc.constantFrom<Resolution>('retry', 'skip', 'edit', 'undone');
  return fc.oneof(
    { weight: 12, arbitrary: someWork },
    { weight: 2, arbitrary: fc.constant<Move>({ move: 'die' }) },
    { weight: 1, arbitrary: fc.constant<Move>({ move: 'cancel' }) },
    { weight: 1, arbitrary: fc.constant<Move>({ move: 'revert' }) },
    { weight: 1, arbitrary: fc.record({ move: fc.constant('amend' as const), edit }) },
    {
      weight: 2,
      arbitrary: fc.record({
        move: fc.constant('rewind' as const),
        to: fc.integer({ min: -1, max: 5 }),
        edit,
      }),
    },
    { weight: 3, arbitrary: fc.record({ move: fc.constant('resolve' as const), how, edit }) },
  );
}

/** One transition as it happened. */
export interface Happened {
  readonly before: MessageState;
  readonly outcome: Outcome;
  readonly advanced: Advanced;
}

/** Drives one message from move to move, as store, worker and people together would. */
export class MessageDriver {
  state: MessageState;
  readonly plan: Plan;
  readonly happened: Happened[] = [];
  /** seq of the newest commit. */
  seq = 0;
  /** Has a worker taken the step at the cursor since the last transition? The store remembers no more than that. */
  #taken = false;
  /** Was it taken by a worker that told nothing? Then the next one cannot know that the step never began. */
  #doubt = false;

  constructor(plan: Plan, start: MessageState) {
    this.plan = plan;
    this.state = start;
  }

  /** A worker has the step at the cursor; a message that waits for its children is woken first. */
  take(): boolean {
    if (this.state.phase === 'waiting') this.state = { ...this.state, phase: 'open' };
    if (this.state.phase === 'open') this.#taken = true;
    return this.state.phase === 'open';
  }

  /** Is it certain that the step at the cursor has not begun when this work has failed? */
  isUnbegun(move: Extract<Move, { move: 'work' }>): boolean {
    const step = this.plan.steps[this.state.cursor];
    const fails = move.kind === 'retryable' || move.kind === 'terminal';
    return move.unbegun === true && fails && !this.#doubt && step !== undefined && !isGroup(step);
  }

  /** Null when the move is refused, which changes nothing. */
  make(move: Move): Happened | null {
    if (move.move === 'die') {
      this.#doubt = this.take();
      return null;
    }
    if (move.move === 'work' && !this.take()) return null;
    const outcome = this.#outcomeOf(move);
    if (outcome !== null) return this.#apply(outcome);
    this.#doubt = true;
    return null;
  }

  #apply(outcome: Outcome): Happened | null {
    const before = this.state;
    let advanced: Advanced;
    try {
      advanced = advance(before, this.plan, outcome, { seq: this.seq + 1, random: 0.5 });
    } catch (error) {
      if (isCoaxError(error, 'COAX_MESSAGE_STATE') || isCoaxError(error, 'COAX_MESSAGE_INVALID')) return null;
      throw error;
    }
    this.state = advanced.next;
    this.#taken = false;
    this.#doubt = false;
    if (advanced.outcome !== null) this.seq += 1;
    const happened = { before, outcome, advanced };
    this.happened.push(happened);
    return happened;
  }

  #outcomeOf(move: Exclude<Move, { move: 'die' }>): Outcome | null {
    const reason = 'because';
    switch (move.move) {
      case 'work':
        return this.#workOf(move);
      case 'rewind':
        return { kind: 'rewind', begun: this.#taken, to: move.to, edit: move.edit, reason };
      case 'cancel':
        return { kind: 'cancel', begun: this.#taken, reason };
      case 'revert':
        return { kind: 'revert', reason };
      case 'amend':
        return { kind: 'amend', edit: move.edit, reason };
      case 'resolve':
        return { kind: 'resolve', how: move.how, edit: move.edit, reason };
    }
  }

  #workOf(move: Extract<Move, { move: 'work' }>): Outcome | null {
    const step = this.plan.steps[this.state.cursor];
    const group = step !== undefined && isGroup(step);
    const told = { code: 'E_RANDOM', reason: 'chance', detail: { set: move.set } };
    const error: StepError = this.isUnbegun(move) ? { ...told, begun: false } : told;
    switch (move.kind) {
      case 'ok': {
        // Such a group is done as often although a branch failed as it is done in full.
        const partly = group && step.tolerate !== undefined && move.unbegun && this.state.generation !== null;
        return { kind: 'ok', set: move.set, ...(partly && { partly: { failed: 1, of: 3, tolerated: 1 } }) };
      }
      case 'split':
        return group
          ? { kind: 'split', children: [100 + this.seq, 200 + this.seq] }
          : { kind: 'ok', set: move.set };
      case 'wait':
        return group && this.state.generation !== null ? { kind: 'wait' } : null;
      default:
        return { kind: move.kind, error };
    }
  }
}
