import {
  type Context,
  createTraceState,
  isSpanContextValid,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import type { Trace } from '../message/carried/trace.ts';

/**
 * Where spans of Coax come from. Without an SDK, which is the user's to load with `--import`, they are none, and cost next to
 * nothing; the trace that a message carries is handed on all the same.
 */
export const tracer = trace.getTracer('coax');

/** Does anybody make spans of what is told here? Else none need be begun. */
export function isTraced(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer('coax') !== undefined;
}

/** A trace that was carried here, as what a span begins under. */
export function contextOf(carried: Trace | null): Context {
  if (carried === null) return ROOT_CONTEXT;
  const [, traceId, spanId, flags] = carried.traceparent.split('-') as [string, string, string, string];
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
    ...(carried.tracestate !== undefined && { traceState: createTraceState(carried.tracestate) }),
  });
}

/** What is handed on under a span: the span itself, or what was carried when nobody makes spans here. */
export function traceUnder(span: Span, carried: Trace | null): Trace | null {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  if (!isSpanContextValid(span.spanContext()) || carried?.traceparent.split('-')[2] === spanId)
    return carried;
  const tracestate = traceState?.serialize() ?? '';
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  return tracestate === '' ? { traceparent } : { traceparent, tracestate };
}
