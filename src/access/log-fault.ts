import type { FastifyBaseLogger, FastifyRequest } from 'fastify';
import { type CoaxError, isCoaxError, textOf } from '../errors/coax-error.ts';

/** A fault that goes on (a store that is away) is told so often, however many requests meet it. */
const AGAIN_MS = 1000;

/** When each fault was told last, by server. */
const told = new WeakMap<object, Map<string, number>>();

/**
 * Logs what went wrong here rather than with the caller. A defect of ours with its stack and the incident's id; anything
 * else has a name, so it is one line of what and where, at most one a second.
 */
export function logFault(error: CoaxError, thrown: unknown, request: FastifyRequest): void {
  // Draining is no fault of anybody.
  if (error.httpStatus < 500 || error.code === 'COAX_NOT_READY') return;
  if (error.kind === 'internal') {
    request.log.error({ err: thrown, reqId: request.id, client: request.ip }, textOf(thrown));
    return;
  }
  const { code, where, reason } = error;
  const last = told.get(request.server) ?? new Map<string, number>();
  told.set(request.server, last);
  const now = performance.now();
  if (now - (last.get(code) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) return;
  last.set(code, now);
  request.log.error({ code, where, reqId: request.id, client: request.ip }, reason);
}

/**
 * Logs what went wrong with work that nobody asked for, which is tried again later: `kept` says what stays as it was. With a stack only
 * where it is a defect of ours.
 */
export function logLater(log: FastifyBaseLogger, thrown: unknown, kept: string): void {
  if (isCoaxError(thrown) && thrown.kind !== 'internal')
    log.warn({ code: thrown.code, where: thrown.where }, `${kept}: ${thrown.reason}`);
  else log.warn({ err: thrown }, `${kept}: ${textOf(thrown)}`);
}
