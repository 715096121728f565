import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '../api/problem.ts';
import { PROBLEM_TYPE } from '../api/problem.ts';
import { CoaxError, textOf } from '../errors/coax-error.ts';
import { CODES, KINDS } from '../errors/codes.ts';
import { discardBody } from './exchange/discard-body.ts';
import { logFault } from './log-fault.ts';

/** A CoaxError whose HTTP status says more than its kind's (413, 415, 429). */
const STATUS = Symbol('status');
type WithStatus = CoaxError & { [STATUS]?: number };

export function withStatus(error: CoaxError, status: number): CoaxError {
  (error as WithStatus)[STATUS] = status;
  return error;
}

export function statusOfError(error: CoaxError): number {
  // What will be there again by itself is asked for too soon; anything else that is used up is a conflict.
  const soon = error.code === 'COAX_QUOTA_EXCEEDED' && error.retryAfterMs !== undefined;
  return (error as WithStatus)[STATUS] ?? (soon ? KINDS.limited.http : error.httpStatus);
}

/** The problem+json (RFC 9457) of an error; a defect of ours shows nothing but the incident's id. */
export function problemOf(error: CoaxError, requestId: string): Problem {
  const internal = error.kind === 'internal';
  const problem: Problem = {
    type: `/errors/${error.code}`,
    title: CODES[error.code].about,
    status: statusOfError(error),
    detail: internal
      ? `Coax has a defect here; the log has more under the incident ${requestId}`
      : error.reason,
    instance: requestId,
    code: error.code,
    hint: error.hint,
  };
  if (error.where !== undefined) problem.where = error.where;
  if (error.retryAfterMs !== undefined) problem.retryAfterMs = error.retryAfterMs;
  if (error.faults.length > 0) problem.faults = [...error.faults];
  if (error.detail !== undefined && !internal) problem.more = error.detail;
  return problem;
}

/** The one place where anything thrown becomes an answer. */
export function answerError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = coaxErrorOf(thrown);
  logFault(error, thrown, request);
  const problem = problemOf(error, request.id);
  if (error.retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(error.retryAfterMs / 1000));
  if (error.kind === 'auth') reply.header('www-authenticate', 'Bearer realm="coax"');
  // Past any serializer: a route has none for problems.
  const send = (): void => {
    reply.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
  };
  if (problem.status === 413) discardBody(request.raw, send);
  else send();
}

/** Fastify's own refusals become ours; what nobody foresaw is COAX_INTERNAL. */
export function coaxErrorOf(thrown: unknown): CoaxError {
  if (thrown instanceof CoaxError) return thrown;
  const { code, statusCode } = (thrown ?? {}) as { code?: unknown; statusCode?: unknown };
  const framework = typeof code === 'string' && code.startsWith('FST_');
  const known = framework ? FRAMEWORK[code as string] : undefined;
  if (known !== undefined) return known();
  if ((framework || thrown instanceof SyntaxError) && typeof statusCode === 'number' && statusCode < 500) {
    return withStatus(new CoaxError('COAX_MESSAGE_INVALID', textOf(thrown)), statusCode);
  }
  return new CoaxError('COAX_INTERNAL', textOf(thrown), { cause: thrown });
}

const JSON_HINT = 'Send JSON in UTF-8 with `content-type: application/json`.';
const FRAMEWORK: Readonly<Record<string, () => CoaxError>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () =>
    withStatus(
      new CoaxError('COAX_MESSAGE_TOO_LARGE', 'the body is too large', {
        hint: 'Send fewer messages at once; keep large data elsewhere and pass its address.',
      }),
      413,
    ),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    withStatus(
      new CoaxError('COAX_MESSAGE_INVALID', 'the body has a content type that is not understood', {
        hint: JSON_HINT,
      }),
      415,
    ),
  FST_ERR_CTP_INVALID_JSON_BODY: () =>
    new CoaxError('COAX_MESSAGE_INVALID', 'the body is not JSON, or has a member called __proto__', {
      hint: JSON_HINT,
    }),
  FST_ERR_CTP_EMPTY_JSON_BODY: () =>
    new CoaxError('COAX_MESSAGE_INVALID', 'the body is empty', { hint: JSON_HINT }),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new CoaxError('COAX_MESSAGE_INVALID', 'the body is not as long as Content-Length says'),
  FST_ERR_BAD_URL: () =>
    new CoaxError('COAX_NOT_FOUND', 'the path is not a valid URL', {
      hint: 'Write other bytes than letters, digits and -._~ as % and two hex digits, in UTF-8.',
    }),
};
