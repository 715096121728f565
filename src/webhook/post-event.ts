import { createHmac } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { textOf } from '../errors/coax-error.ts';
import type { AddressGuard } from './address-guard.ts';

/** For one attempt, from the look at the name to the end of the answer. */
const TIMEOUT_MS = 15_000;
/** An answer is read no further: nobody needs what it says. */
const ANSWER_BYTES_MAX = 16 * 1024;

/** What came of one attempt. */
export interface Posted {
  readonly ok: boolean;
  /** HTTP status; null when there was no answer. */
  readonly status: number | null;
  /** In a few words, for people. */
  readonly result: string;
  /** How long the receiver asks to be left alone. */
  readonly retryAfterMs?: number;
}

/**
 * Signatures by Standard Webhooks, one for each secret (`whsec_` and Base64): HMAC-SHA256 over id, time and body.
 */
function signatures(secrets: readonly string[], id: string, seconds: number, body: string): string {
  return secrets
    .map(secret => {
      const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
      return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`;
    })
    .join(' ');
}

/** Sends one event once. Follows no redirect, and tells nothing of what the answer says. Never rejects. */
export function postEvent(
  url: URL,
  { id, body, secrets, agent }: { id: string; body: string; secrets: readonly string[]; agent: string },
  guard: AddressGuard,
  now: number,
  timeoutMs = TIMEOUT_MS,
): Promise<Posted> {
  const seconds = Math.floor(now / 1000);
  const { promise, resolve } = Promise.withResolvers<Posted>();
  const failed = (result: string): void => resolve({ ok: false, status: null, result });
  const make = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const request = make(url, {
    method: 'POST',
    agent: false,
    lookup: guard.lookup,
    signal: AbortSignal.timeout(timeoutMs),
    headers: {
      'content-type': 'application/cloudevents+json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'user-agent': agent,
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      'webhook-signature': signatures(secrets, id, seconds, body),
    },
  });
  request.on('socket', socket =>
    socket.on('connect', () => {
      // Whatever the name was: this is where the bytes go.
      const refused = guard.refuses(socket.remoteAddress ?? '');
      if (refused !== null) request.destroy(new Error(`refused: ${refused}`));
    }),
  );
  request.on('response', answer => {
    drop(answer);
    resolve(readAnswer(answer, now));
  });
  request.on('error', (error: NodeJS.ErrnoException) => {
    if (error.name === 'TimeoutError' || error.name === 'AbortError')
      failed(`no answer in ${timeoutMs / 1000} s`);
    else
      failed(error.code && !error.message.startsWith('refused') ? error.code : textOf(error).slice(0, 200));
  });
  request.end(body);
  return promise;
}

/** Reads the rest away, and cuts the connection when it is long. */
function drop(answer: IncomingMessage): void {
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) answer.destroy();
  });
  answer.on('error', () => {});
}

function readAnswer({ statusCode = 0, headers }: IncomingMessage, now: number): Posted {
  const ok = statusCode >= 200 && statusCode < 300;
  const redirect = statusCode >= 300 && statusCode < 400 ? ': redirects are not followed' : '';
  const asked = headers['retry-after'];
  const seconds =
    asked === undefined ? Number.NaN : /^\d+$/.test(asked) ? Number(asked) : (Date.parse(asked) - now) / 1000;
  return {
    ok,
    status: statusCode,
    result: `HTTP ${statusCode}${redirect}`,
    ...(!ok && seconds > 0 && { retryAfterMs: Math.min(seconds, 86_400) * 1000 }),
  };
}
