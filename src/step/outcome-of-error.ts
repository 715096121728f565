import { CoaxError, isCoaxError, textOf } from '../errors/coax-error.ts';
import { jsonFault } from '../message/json-fault.ts';
import { REASON_LENGTH_MAX } from '../message/limits.ts';
import type { Json } from '../message/message.ts';
import { retryable, type StepOutcome, terminal } from '../message/outcome.ts';
import type { StepCall } from './contract.ts';
import { Retryable, Terminal } from './step-errors.ts';

/** Errors of Node's network calls that a later attempt may not meet (errno(3)). */
const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
]);
/** PostgreSQL's SQLSTATEs (appendix A of its manual) of conflicts between transactions and of lost connections. */
const SQLSTATE = /^(40001|40P01|55P03|57P0[1-3]|08\w{3}|53\w{3})$/;

/** The one place where what a TypeScript step threw becomes an outcome. */
export function outcomeOfError(error: unknown, call: StepCall): StepOutcome {
  if (isOfSignal(error, call.signal)) return stopped(call);
  if (error instanceof Retryable) {
    const outcome = retryable(error.code, reasonOf(error), error.retryAfterMs, detailOf(error.detail));
    return error.keep && call.tx !== undefined ? { ...outcome, keeps: true } : outcome;
  }
  if (error instanceof Terminal) return terminal(error.code, reasonOf(error), detailOf(error.detail));
  if (error instanceof CoaxError) {
    const detail = detailOf(error.detail);
    return error.kind === 'unavailable' || error.kind === 'timeout'
      ? retryable(error.code, clip(error.reason), error.retryAfterMs, detail)
      : terminal(error.code, clip(error.reason), detail);
  }
  const code = transientCode(error);
  return code === null ? terminal('COAX_STEP_FAILED', reasonOf(error)) : retryable(code, reasonOf(error));
}

/** Did the step end since it heeded its signal? */
function isOfSignal(error: unknown, signal: AbortSignal): boolean {
  return (
    signal.aborted && (error === signal.reason || (error instanceof Error && error.name === 'AbortError'))
  );
}

/** The worker's reason is a CoaxError: COAX_STEP_TIMEOUT, or why else the step was called off. */
function stopped({ signal, timeoutMs }: StepCall): StepOutcome {
  return isCoaxError(signal.reason, 'COAX_STEP_TIMEOUT')
    ? retryable('COAX_STEP_TIMEOUT', `it took longer than ${timeoutMs} ms`)
    : retryable('COAX_STEP_CANCELLED', `it was called off (${clip(textOf(signal.reason))})`);
}

function transientCode(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null;
  const { code, errcode, cause } = error as { code?: unknown; errcode?: unknown; cause?: unknown };
  if (typeof code === 'string' && NETWORK.has(code)) return code;
  if (typeof code === 'string' && SQLSTATE.test(code)) return 'COAX_STORE_UNAVAILABLE';
  // SQLITE_BUSY and SQLITE_LOCKED (sqlite.org/rescode.html); the low byte is the primary code.
  if (code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number' && [5, 6].includes(errcode & 255))
    return 'COAX_STORE_UNAVAILABLE';
  // fetch() says "fetch failed" and keeps the system's error as its cause.
  return error instanceof TypeError && cause !== undefined ? transientCode(cause) : null;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return clip(String(error));
  const { cause } = error;
  return clip(
    cause instanceof Error && cause.message !== ''
      ? `${error.message}: ${cause.message}`
      : error.message || error.name,
  );
}

function clip(reason: string): string {
  return (
    reason.length > REASON_LENGTH_MAX ? `${reason.slice(0, REASON_LENGTH_MAX)}…` : reason
  ).toWellFormed();
}

/** Details that have no JSON form are left out rather than spoil the outcome. */
function detailOf(detail: unknown): Json | undefined {
  return detail === undefined || jsonFault(detail) !== null ? undefined : (detail as Json);
}
