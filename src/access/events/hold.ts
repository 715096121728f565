import type { FastifyReply, FastifyRequest } from 'fastify';
import { CoaxError } from '../../errors/coax-error.ts';

/** Made once: each new reason would cost a stack. */
const GONE = new DOMException('nobody waits for the answer any more', 'AbortError');
const WAIT_MS_MAX = 600_000;
/** How long the client wants its answer held: `?wait=` or `Prefer: wait=` (RFC 7240), in milliseconds; 0 = not. */
export function waitMsOf(request: FastifyRequest, querySeconds: number | undefined): number {
  if (querySeconds !== undefined) return querySeconds * 1000;
  const match = /(?:^|[,;]\s*)wait\s*=\s*"?(\d{1,6}(?:\.\d+)?)"?/i.exec(String(request.headers.prefer ?? ''));
  return match === null ? 0 : Math.min(Number(match[1]) * 1000, WAIT_MS_MAX);
}

/** Requests that are being held: for work, for rest, for events. Each costs a connection and a little memory. */
export class Holds {
  readonly #closing: AbortSignal;
  readonly #draining: AbortSignal;
  readonly #most: number;
  readonly #onHold: (reply: FastifyReply) => void;
  /**
   * Of those that are held. Not `AbortSignal.any`: that refers weakly to what it makes, and what is referred to weakly outlives, with all
   * that hangs on it, each collection of what is young.
   */
  readonly #held = new Set<AbortController>();
  /** Those of them that wait for work. */
  readonly #forWork = new Set<AbortController>();
  readonly #waiting: (() => void)[] = [];

  /** `draining` aborts when no work is given out any more; `most`: held at one time; `onHold` hears of each. */
  constructor(
    { closing, draining }: Record<'closing' | 'draining', AbortSignal>,
    most: number,
    onHold: (reply: FastifyReply) => void,
  ) {
    this.#closing = closing;
    this.#draining = draining;
    this.#most = most;
    this.#onHold = onHold;
    closing.addEventListener('abort', () => {
      for (const controller of this.#held) controller.abort(GONE);
    });
    draining.addEventListener('abort', () => {
      for (const controller of this.#forWork) controller.abort(GONE);
    });
  }

  /** Aborts when the client is gone or the server closes. Errors: COAX_RATE when too many are held already. */
  hold(reply: FastifyReply): AbortSignal {
    return this.#hold(reply).signal;
  }

  /** The same for a request that waits for work: aborts also when the server drains. */
  holdForWork(reply: FastifyReply): AbortSignal {
    const controller = this.#hold(reply);
    if (this.#draining.aborted) controller.abort(GONE);
    else this.#forWork.add(controller);
    return controller.signal;
  }

  /** Resolves when every held request has been answered to its last byte, or after `ms`. */
  async released(ms: number): Promise<void> {
    if (this.#held.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    const timer = setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
  }

  #hold(reply: FastifyReply): AbortController {
    if (this.#held.size >= this.#most) {
      throw new CoaxError('COAX_RATE', `${this.#most} requests are held already`, { retryAfterMs: 1000 });
    }
    const controller = new AbortController();
    this.#held.add(controller);
    this.#onHold(reply);
    if (this.#closing.aborted) controller.abort(GONE);
    reply.raw.once('close', () => {
      this.#held.delete(controller);
      this.#forWork.delete(controller);
      if (this.#held.size === 0) for (const wake of this.#waiting.splice(0)) wake();
      controller.abort(GONE);
    });
    return controller;
  }
}
