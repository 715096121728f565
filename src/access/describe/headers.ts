import type { FastifyContextConfig } from 'fastify';
import { type Repeat, repeatOf } from '../exchange/repeat.ts';

type Member = Readonly<Record<string, unknown>>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a POST; missing: `harmless` for what needs `view` or `work` alone or opens to anyone, else `key`. */
    readonly repeat?: Repeat;
    /** `If-Match` is heeded: what is changed must be as the caller saw it. */
    readonly ifMatch?: boolean;
    /** `Prefer: wait=SECONDS` is heeded. */
    readonly waits?: boolean;
    /** Other headers of requests that are heeded, by their names among `PARAMETERS`. */
    readonly heeds?: readonly (keyof typeof PARAMETERS)[];
  }
}

/** The headers of requests, as the document has them. */
export const PARAMETERS = {
  IdempotencyKey: header(
    'Idempotency-Key',
    'Makes the request safe to send again: the same key and body give the first answer again, another body is refused (409).',
    { type: 'string', minLength: 1, maxLength: 200, pattern: '^[!-~]+$' },
    'order-17',
  ),
  IfMatch: header(
    'If-Match',
    'ETag of what is to be changed; 412 when it has changed since.',
    { type: 'string', maxLength: 1000 },
    '"9b0a…"',
  ),
  IfNoneMatch: header(
    'If-None-Match',
    'ETag that is known already; 304 without a body when nothing has changed.',
    { type: 'string', maxLength: 1000 },
    '"9b0a…"',
  ),
  Prefer: header(
    'Prefer',
    '`wait=SECONDS` (RFC 7240) holds the answer until the message rests, 600 seconds at most.',
    { type: 'string', maxLength: 200 },
    'wait=10',
  ),
  LastEventId: header(
    'Last-Event-ID',
    'Id of the last event that was seen: the stream goes on after it.',
    { type: 'string', maxLength: 100 },
    '12',
  ),
  CoaxClaims: header(
    'Coax-Claims',
    'What became of the claims of the session before: `kept`, it ended in order and the worker goes on with them; `lost`, it broke and the worker has stopped their steps, which are given on at once. Without it they are given on if the worker was known to another server.',
    { type: 'string', enum: ['kept', 'lost'] },
    'kept',
  ),
  Traceparent: header(
    'traceparent',
    'Trace context (W3C) that the message carries: its steps are spans of that trace.',
    { type: 'string', maxLength: 200 },
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  ),
  Tracestate: header(
    'tracestate',
    'Goes with `traceparent`, as it is.',
    { type: 'string', maxLength: 512 },
    'vendor=value',
  ),
} as const satisfies Readonly<Record<string, Member>>;

/** The headers of answers. */
export const ANSWER_HEADERS: Readonly<Record<string, Member>> = {
  ETag: { description: 'Changes with what is shown.', schema: { type: 'string' } },
  Link: {
    description: '`<…>; rel="next"` while there are more pages (RFC 8288).',
    schema: { type: 'string' },
  },
  Location: { description: 'Where the message is.', schema: { type: 'string' } },
  RetryAfter: { description: 'Seconds after which to try again.', schema: { type: 'integer' } },
  XRequestId: {
    description: 'Id of the request: the one that came with it, if it did; the log has it too.',
    schema: { type: 'string' },
  },
};

/** Names among `PARAMETERS` of the headers that an operation heeds. */
export function headersOf(method: string, config: FastifyContextConfig): string[] {
  const { ifMatch = false, waits = false, heeds = [] } = config;
  const names: string[] = [...heeds];
  if (method === 'POST' && repeatOf(config) !== 'harmless') names.push('IdempotencyKey');
  if (ifMatch) names.push('IfMatch');
  if (waits) names.push('Prefer');
  return names;
}

function header(name: string, description: string, schema: Member, example: string) {
  return { name, in: 'header', required: false, description, schema, example };
}
