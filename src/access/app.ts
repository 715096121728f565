import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { PROBLEM_TYPE, Problem } from '../api/problem.ts';
import type { EventHub } from './events/event-hub.ts';
import type { Holds } from './events/hold.ts';
import type { Limits } from './limits/limits.ts';
import type { QueueBound } from './limits/queue-bound.ts';
import type { SerialReach } from './serial/serial-reach.ts';
import type { Services } from './services.ts';
import type { HttpWorkers } from './workers/http-workers.ts';

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What every route is given. */
export interface RouteContext {
  readonly services: Services;
  readonly hub: EventHub;
  readonly httpWorkers: HttpWorkers;
  readonly holds: Holds;
  readonly limits: Limits;
  readonly queue: QueueBound;
  /** Aborts when the server closes: what is held is let go. */
  readonly closing: AbortSignal;
  /** The way to the guests' serial lines. */
  readonly serial: SerialReach;
}

/** For the description of each route: what comes when it is refused. */
export const PROBLEMS = {
  default: { description: 'Refused.', content: { [PROBLEM_TYPE]: { schema: Problem } } },
} as const;
