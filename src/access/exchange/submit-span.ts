import { context, SpanKind, trace } from '@opentelemetry/api';
import type { FastifyRequest } from 'fastify';
import { type Trace, traceOf } from '../../message/carried/trace.ts';
import { contextOf, isTraced, tracer, traceUnder } from '../../tracing/trace-context.ts';

/**
 * The trace of what a request submits: a span of the acceptance, under that of the sender, is what the steps will be children
 * of. Where nobody makes spans here, it is the sender's own; null when there is neither.
 */
export function acceptedTrace(request: FastifyRequest, what: string): Trace | null {
  const { traceparent, tracestate } = request.headers;
  const carried = traceOf(traceparent, tracestate);
  if (!isTraced()) return carried;
  // Instrumentation of HTTP has a span of the request already, which is under the sender's.
  const active = context.active();
  const parent = trace.getSpan(active) === undefined ? contextOf(carried) : active;
  const span = tracer.startSpan(`accept ${what}`, { kind: SpanKind.PRODUCER }, parent);
  span.setAttribute('coax.request', request.id);
  span.end();
  return traceUnder(span, carried);
}
