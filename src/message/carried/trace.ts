/**
 * The trace that a message belongs to, as W3C Trace Context writes it: the span that its steps are children of. It travels in
 * the message, so that whoever does a step, on whatever host, tells of it under the same trace.
 */
export interface Trace {
  /** `00-TRACEID-SPANID-FLAGS`. */
  readonly traceparent: string;
  /** What goes with it, as it came; absent when there is none. */
  readonly tracestate?: string;
}

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
/** Printable ASCII, as the standard has it; more than 512 characters may be dropped. */
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;

/**
 * Reads what came as headers or from the environment; null when there is no trace. As the standard demands, what is not valid is as if it
 * had not come: a request never fails for its trace.
 */
export function traceOf(traceparent: unknown, tracestate: unknown): Trace | null {
  if (typeof traceparent !== 'string' || !TRACEPARENT.test(traceparent)) return null;
  const [version, traceId, spanId] = traceparent.split('-') as [string, string, string];
  if (version === 'ff' || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return typeof tracestate === 'string' && TRACESTATE.test(tracestate)
    ? { traceparent, tracestate }
    : { traceparent };
}

/** The same as headers of a request. */
export function traceHeaders(trace: Trace | null): { [name: string]: string } {
  if (trace === null) return {};
  const { traceparent, tracestate } = trace;
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}
