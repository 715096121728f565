import type { Problem } from '../api/problem.ts';
import { CoaxError, type ErrorDetail } from '../errors/coax-error.ts';
import { CODES, type ErrorCode } from '../errors/codes.ts';

/** The CoaxError that a server's problem+json stands for: same code, reason, where, hint, faults and exit status. */
export function errorOfProblem(status: number, body: unknown, request: string): CoaxError {
  const problem = (typeof body === 'object' && body !== null ? body : {}) as Partial<Problem>;
  const reason = typeof problem.detail === 'string' ? problem.detail : `the server answered ${status}`;
  const more: ErrorDetail = {};
  if (typeof problem.where === 'string') more.where = problem.where;
  if (typeof problem.hint === 'string') more.hint = problem.hint;
  if (typeof problem.retryAfterMs === 'number') more.retryAfterMs = problem.retryAfterMs;
  if (Array.isArray(problem.faults)) more.faults = problem.faults;
  if (problem.more !== undefined) more.detail = problem.more;
  if (typeof problem.code === 'string' && Object.hasOwn(CODES, problem.code)) {
    return new CoaxError(problem.code as ErrorCode, reason, more);
  }
  // A proxy between, or a newer server: the status alone tells.
  more.where ??= request;
  return new CoaxError(codeOfStatus(status), problem.code ? `${problem.code}: ${reason}` : reason, more);
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 401 || status === 403) return 'COAX_AUTH_MISSING';
  if (status === 404) return 'COAX_NOT_FOUND';
  if (status === 413) return 'COAX_MESSAGE_TOO_LARGE';
  if (status === 429) return 'COAX_RATE';
  if (status === 409) return 'COAX_MESSAGE_STATE';
  if (status >= 400 && status < 500) return 'COAX_MESSAGE_INVALID';
  return status === 502 || status === 503 || status === 504 ? 'COAX_SERVER_UNREACHABLE' : 'COAX_INTERNAL';
}
