import { CODES, type ErrorCode, type ErrorKind, KINDS } from './codes.ts';

/** One fault among several, with its place as a JSON pointer (RFC 6901). */
export interface Fault {
  where: string;
  reason: string;
}

export interface ErrorDetail {
  /** A JSON pointer, a file with its line, or a name. */
  where?: string;
  hint?: string;
  /** Try again after so many milliseconds. */
  retryAfterMs?: number;
  faults?: readonly Fault[];
  /** More that a program may read: JSON only. */
  detail?: unknown;
  cause?: unknown;
}

/** The only error that crosses a part's border. Says what was wrong, where, and what to do. */
export class CoaxError extends Error {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly reason: string;
  readonly where: string | undefined;
  readonly hint: string;
  readonly retryAfterMs: number | undefined;
  readonly faults: readonly Fault[];
  readonly detail: unknown;

  constructor(code: ErrorCode, reason: string, more: ErrorDetail = {}) {
    super(`${code}: ${reason}${more.where ? ` (at ${more.where})` : ''}`, { cause: more.cause });
    this.name = 'CoaxError';
    this.code = code;
    this.kind = CODES[code].kind;
    this.reason = reason;
    this.where = more.where;
    this.hint = more.hint ?? CODES[code].hint;
    this.retryAfterMs = more.retryAfterMs;
    this.faults = more.faults ?? [];
    this.detail = more.detail;
  }

  get httpStatus(): number {
    return KINDS[this.kind].http;
  }

  get exitStatus(): number {
    return KINDS[this.kind].exit;
  }
}

/** Is this a CoaxError (of that code)? */
export function isCoaxError(error: unknown, code?: ErrorCode): error is CoaxError {
  return error instanceof CoaxError && (code === undefined || error.code === code);
}

/** An invariant of our own code; breaking it is a defect, never the user's fault. */
export function invariant(holds: unknown, reason: string): asserts holds {
  if (!holds) throw new CoaxError('COAX_INTERNAL', reason);
}

/** The text of anything thrown. */
export function textOf(error: unknown): string {
  if (error instanceof CoaxError) return error.reason;
  return error instanceof Error ? error.message : String(error);
}
