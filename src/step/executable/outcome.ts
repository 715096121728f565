import { isCoaxError } from '../../errors/coax-error.ts';
import type { ErrorCode } from '../../errors/codes.ts';
import type { ProcessEnd } from '../../linux/process/process-spec.ts';
import { REASON_LENGTH_MAX } from '../../message/limits.ts';
import type { Json, StepError } from '../../message/message.ts';
import { type StepOutcome, terminal } from '../../message/outcome.ts';
import type { StepCall } from '../contract.ts';
import { checkDeclared, type Declared } from './module-file.ts';
import { readError, readOutput } from './output.ts';

/** sysexits.h: a temporary failure; the user is invited to try again. */
const EX_TEMPFAIL = 75;

/** What the end of an executable means for its step; the table is in executable.ts. */
export function outcomeOf(end: ProcessEnd, call: StepCall, declared: Declared | null): StepOutcome {
  switch (end.cause) {
    case 'exit':
      return end.code === 0 ? done(end, call, declared) : saidNo(end);
    case 'timeout':
      return failed(end, 'COAX_STEP_TIMEOUT');
    case 'aborted':
      return failed(end, ranOutOfTime(end, call) ? 'COAX_STEP_TIMEOUT' : 'COAX_STEP_CANCELLED');
    case 'signal':
      return failed(end, 'COAX_STEP_KILLED');
    case 'out_of_memory':
      return failed(end, 'COAX_STEP_MEMORY');
    case 'lost':
      return failed(end, 'COAX_STEP_LOST');
    case 'output_too_large':
      return failed(end, 'COAX_STEP_OUTPUT');
    case 'start_failed':
      return begunNever(failed(end, 'COAX_STEP_START'), call);
  }
}

/** A program that cannot be started, as is known without trying. */
export function notStarted(reason: string, call: StepCall): StepOutcome {
  return begunNever(terminal('COAX_STEP_START', reason), call);
}

/** What an undo that does not start leaves to be undone is the step itself. */
function begunNever(outcome: StepOutcome, call: StepCall): StepOutcome {
  if (outcome.kind === 'ok' || call.mode === 'rollback') return outcome;
  return { ...outcome, error: { ...outcome.error, begun: false } };
}

function done(end: ProcessEnd, call: StepCall, declared: Declared | null): StepOutcome {
  const undone = call.mode === 'rollback';
  const read = undone ? { object: {} } : readOutput(end.stdout);
  if ('fault' in read) return failed(end, 'COAX_STEP_OUTPUT', read.fault);
  const output = undone ? { values: {} } : checkDeclared(declared, read.object);
  if ('fault' in output) return failed(end, 'COAX_STEP_OUTPUT', `standard output: ${output.fault}`);
  return { kind: 'ok', set: output.values, detail: detailOf(end), ...logOf(end) };
}

function saidNo(end: ProcessEnd): StepOutcome {
  const said = readError(end.stdout);
  const error: StepError = {
    code: said.code ?? 'COAX_STEP_FAILED',
    reason: (said.reason ?? lastLine(end.stderr) ?? end.reason).slice(0, REASON_LENGTH_MAX),
    detail: { ...detailOf(end), ...(said.detail === undefined ? {} : { said: said.detail }) },
    ...logOf(end),
  };
  if (end.code !== EX_TEMPFAIL) return { kind: 'terminal', error };
  return said.retryAfterMs === undefined
    ? { kind: 'retryable', error }
    : { kind: 'retryable', error, retryAfterMs: said.retryAfterMs };
}

function failed(end: ProcessEnd, code: ErrorCode, reason = end.reason): StepOutcome {
  const kind = end.transient ? 'retryable' : 'terminal';
  return { kind, error: { code, reason, detail: detailOf(end), ...logOf(end) } };
}

/** The worker's signal and the process's own limit end at the same moment; either may be first. */
function ranOutOfTime(end: ProcessEnd, call: StepCall): boolean {
  const { reason } = call.signal;
  if (isCoaxError(reason)) return reason.code === 'COAX_STEP_TIMEOUT';
  return (reason instanceof Error && reason.name === 'TimeoutError') || end.use.wallMs >= call.timeoutMs;
}

function detailOf({ code, signal, use }: ProcessEnd): { readonly [name: string]: Json } {
  const { wallMs, cpuMs, maxRssKib, memoryPeakKib } = use;
  return { exit: code, signal, wallMs, cpuMs, maxRssKib, ...(memoryPeakKib !== null && { memoryPeakKib }) };
}

function logOf(end: ProcessEnd): { log?: string } {
  return end.stderr === '' ? {} : { log: end.stderr };
}

function lastLine(text: string): string | undefined {
  return text
    .split('\n')
    .map(line => line.trim())
    .findLast(line => line !== '' && line !== '…');
}
