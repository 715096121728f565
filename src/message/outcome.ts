import type { Json, Parameters, Partly, StepError } from './message.ts';

/**
 * What doing or undoing a step came to. `set` joins the parameters; `detail` (why this host, exit status, resource use)
 * and `log` are kept with the commit only.
 */
export type StepOutcome =
  | {
      readonly kind: 'ok';
      readonly set: Parameters;
      readonly log?: string;
      readonly detail?: Json;
      /** Of a group only: it is done although branches failed. */
      readonly partly?: Partly;
    }
  | {
      readonly kind: 'retryable';
      readonly error: StepError;
      readonly retryAfterMs?: number;
      /** What a transactional action wrote stays. */
      readonly keeps?: true;
    }
  | { readonly kind: 'terminal'; readonly error: StepError };

/** All that can happen to a message: a step's outcome, a group's progress, or a person's decision. */
export type Outcome =
  | StepOutcome
  /** The group at the cursor made children. */
  | { readonly kind: 'split'; readonly children: readonly number[] }
  /** Nothing to do until a child moves. */
  | { readonly kind: 'wait' }
  /** `begun`: has a worker had the step at the cursor? Only then must it be undone. */
  | { readonly kind: 'cancel'; readonly begun: boolean; readonly reason: string }
  | { readonly kind: 'revert'; readonly reason: string }
  /** What a message that is done made is elsewhere now: its undo is to know. */
  | { readonly kind: 'amend'; readonly edit: Parameters; readonly reason: string }
  | {
      readonly kind: 'rewind';
      readonly begun: boolean;
      readonly to: number;
      readonly edit: Parameters;
      readonly reason: string;
    }
  | {
      readonly kind: 'resolve';
      readonly how: Resolution;
      readonly edit: Parameters;
      readonly reason: string;
    };

/**
 * A person's decision for a parked message.
 * `retry`: try the undo again. `skip`: go back past this step without undoing it (what it made stays behind, on record).
 * `edit`: change parameters, then try again. `undone`: it was undone by hand.
 */
export type Resolution = 'retry' | 'skip' | 'edit' | 'undone';
export const RESOLUTIONS: readonly Resolution[] = ['retry', 'skip', 'edit', 'undone'];

export type OutcomeKind = Outcome['kind'];

export const ok = (set: Parameters = {}): StepOutcome => ({ kind: 'ok', set });

export function retryable(
  code: string,
  reason: string,
  retryAfterMs?: number,
  detail?: Json,
): Extract<StepOutcome, { kind: 'retryable' }> {
  const error = detail === undefined ? { code, reason } : { code, reason, detail };
  return retryAfterMs === undefined
    ? { kind: 'retryable', error }
    : { kind: 'retryable', error, retryAfterMs };
}

export function terminal(code: string, reason: string, detail?: Json): StepOutcome {
  return { kind: 'terminal', error: detail === undefined ? { code, reason } : { code, reason, detail } };
}
