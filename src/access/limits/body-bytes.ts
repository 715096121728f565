import type { FastifyReply, FastifyRequest } from 'fastify';
import { CoaxError } from '../../errors/coax-error.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Bodies are handed on as they come, and never lie in memory as a whole. */
    readonly streams?: boolean;
  }
}

const RETRY_MS = 1000;
const MIB = 1024 * 1024;

/**
 * Bounds the bytes of all bodies that lie in memory at one time, each from its headers until its answer has ended. One client
 * may have half of them. A body that is alone is always let in: what one may be is another bound.
 */
export class BodyBytes {
  readonly #most: number;
  readonly #of = new Map<string, number>();
  /** Of each answer under way that has a body: whose it is, and how long. */
  readonly #under = new Map<FastifyReply['raw'], { readonly client: string; readonly bytes: number }>();
  #all = 0;
  #refused = 0;

  /** `most`: in MiB. */
  constructor(most: number) {
    this.#most = most * MIB;
  }

  /** Bytes of the bodies under way, as their headers tell them. */
  get underWay(): number {
    return this.#all;
  }

  /** Requests that were refused since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Lets the body of a request of that client come, until `ended` is called with its answer. Errors: COAX_RATE. */
  take(request: FastifyRequest, { raw }: FastifyReply, client: string): void {
    const bytes = bytesOf(request);
    // Of a client that went while it was asked who that is, no end will be heard.
    if (bytes === 0 || raw.destroyed) return;
    const own = this.#of.get(client) ?? 0;
    if (this.#all > 0 && this.#all + bytes > this.#most) throw this.#full('all bodies');
    if (own > 0 && own + bytes > this.#most / 2) throw this.#full('the bodies of one client', 2);
    this.#all += bytes;
    this.#of.set(client, own + bytes);
    this.#under.set(raw, { client, bytes });
  }

  /** The answer has ended, or its client is gone. */
  ended(raw: FastifyReply['raw']): void {
    const under = this.#under.get(raw);
    if (under === undefined) return;
    this.#under.delete(raw);
    const { client, bytes } = under;
    this.#all -= bytes;
    const left = (this.#of.get(client) ?? 0) - bytes;
    if (left > 0) this.#of.set(client, left);
    else this.#of.delete(client);
  }

  #full(what: string, share = 1): CoaxError {
    this.#refused += 1;
    const reason = `with this one ${what} under way would take more than ${this.#most / share / MIB} MiB`;
    return new CoaxError('COAX_RATE', reason, { retryAfterMs: RETRY_MS });
  }
}

/** How much of a body may come: what its headers tell; else, the most that the route takes. */
function bytesOf({ headers, routeOptions }: FastifyRequest): number {
  const { 'content-length': length, 'transfer-encoding': coding } = headers;
  if (length === undefined && coding === undefined) return 0;
  const { bodyLimit, config } = routeOptions;
  if (config.streams === true) return 0;
  if (coding !== undefined) return bodyLimit;
  // A longer one is refused before any of it is read.
  const bytes = Number(length);
  return bytes > 0 && bytes <= bodyLimit ? bytes : 0;
}
