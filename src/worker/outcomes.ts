import type { ActionStep, StepError } from '../message/message.ts';
import { type StepOutcome, terminal } from '../message/outcome.ts';
import type { RunningStep } from './running-step.ts';

export function unknown(step: ActionStep): StepOutcome {
  const error = {
    code: 'COAX_MODULE_UNKNOWN',
    reason: `no action ${step.module} ${step.action} is known here any more`,
  };
  return { kind: 'retryable', error };
}

export function irreversible(step: ActionStep): StepOutcome {
  return terminal('COAX_STEP_IRREVERSIBLE', `${step.module} ${step.action} has no undo`);
}

/** It was told to stop while it waited for its turn. */
export function calledOff({ mode }: RunningStep): StepOutcome {
  const error: StepError = { code: 'COAX_STEP_CANCELLED', reason: 'it was called off before it began' };
  return { kind: 'retryable', error: mode === 'normal' ? { ...error, begun: false } : error };
}

export function timedOut(call: RunningStep): StepOutcome {
  const error: StepError = {
    code: 'COAX_STEP_TIMEOUT',
    reason: `it took longer than ${call.timeoutMs} ms and did not heed its signal`,
  };
  return { kind: 'retryable', error };
}

/** What the step logged and wants kept, joined to its outcome. */
export function withNotes(outcome: StepOutcome, call: RunningStep): StepOutcome {
  const log = call.logged;
  if (outcome.kind === 'ok') {
    if (log === '' && call.kept === undefined) return outcome;
    return {
      ...outcome,
      ...(log !== '' && outcome.log === undefined && { log }),
      ...(call.kept !== undefined && { detail: call.kept }),
    };
  }
  const error: StepError = {
    ...outcome.error,
    ...(log !== '' && outcome.error.log === undefined && { log }),
    ...(call.kept !== undefined && outcome.error.detail === undefined && { detail: call.kept }),
  };
  return { ...outcome, error };
}
