import type { FastifyReply, FastifyRequest } from 'fastify';
import { CoaxError } from '../../errors/coax-error.ts';

const WAIT_MS_MAX = 600_000;
/** Requests held at one time; each costs a connection and a little memory. */
const HELD_MAX = 5000;

/** How long the client wants its answer held: `?wait=` or `Prefer: wait=` (RFC 7240), in milliseconds; 0 = not. */
export function waitMsOf(request: FastifyRequest, querySeconds: number | undefined): number {
  if (querySeconds !== undefined) return querySeconds * 1000;
  const match = /(?:^|[,;]\s*)wait\s*=\s*"?(\d{1,6}(?:\.\d+)?)"?/i.exec(String(request.headers.prefer ?? ''));
  return match === null ? 0 : Math.min(Number(match[1]) * 1000, WAIT_MS_MAX);
}

/** Requests that are being held: for work, for rest, for events. */
export class Holds {
  readonly #closing: AbortSignal;
  #held = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(closing: AbortSignal) {
    this.#closing = closing;
  }

  /** Aborts when the client is gone or the server closes. Errors: COAX_RATE when too many are held already. */
  hold(reply: FastifyReply): AbortSignal {
    if (this.#held >= HELD_MAX) {
      throw new CoaxError('COAX_RATE', `${HELD_MAX} requests are held already`, { retryAfterMs: 1000 });
    }
    this.#held++;
    const controller = new AbortController();
    reply.raw.once('close', () => {
      this.#held--;
      if (this.#held === 0) for (const wake of this.#waiting.splice(0)) wake();
      controller.abort();
    });
    return AbortSignal.any([controller.signal, this.#closing]);
  }

  /** Resolves when every held request has been answered to its last byte, or after `ms`. */
  async released(ms: number): Promise<void> {
    if (this.#held === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    const timer = setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
  }
}
