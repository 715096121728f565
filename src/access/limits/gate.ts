import { isIPv6 } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CoaxError, isCoaxError } from '../../errors/coax-error.ts';
import { withStatus } from '../problem.ts';
import { BodyBytes } from './body-bytes.ts';
import type { Limits } from './limits.ts';
import { type Taken, TokenBuckets } from './token-bucket.ts';

/** Told to a client that must wait although no rate says how long. */
const BUSY_MS = 1000;
const GOOD_MAX = 10_000;

/**
 * How much a client may ask, and how much all together. What it counts is of this server alone: behind a balancer each server
 * grants as much.
 */
export class Gate {
  readonly #limits: Limits;
  readonly #ofTokens: TokenBuckets;
  readonly #ofAddresses: TokenBuckets;
  readonly #policy: string;
  readonly bodies: BodyBytes;
  /** Headers, with tokens or with cookies of logins, that were good. */
  readonly #good = new Set<string>();
  /** Requests under way, by their answers. */
  readonly #under = new Set<FastifyReply['raw']>();

  constructor(limits: Limits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.bodies = new BodyBytes(limits['bodies-mib']);
    this.#ofTokens = new TokenBuckets(limits['token-rate'], limits['token-burst'], now);
    this.#ofAddresses = new TokenBuckets(limits['address-rate'], limits['address-burst'], now);
    const seconds = Math.ceil(limits['token-burst'] / Math.max(1, limits['token-rate']));
    this.#policy = `"token";q=${limits['token-burst']};w=${seconds}`;
  }

  /** Requests under way, held ones not counted. */
  get under(): number {
    return this.#under.size;
  }

  /** Lets a request begin. Errors: COAX_RATE when too many are under way, COAX_MESSAGE_INVALID for too many headers. */
  enter(request: FastifyRequest, reply: FastifyReply): void {
    const most = this.#limits.requests;
    if (this.#under.size >= most)
      throw new CoaxError('COAX_RATE', `${most} requests are under way already`, { retryAfterMs: BUSY_MS });
    const { raw } = reply;
    this.#under.add(raw);
    raw.once('close', () => {
      this.#under.delete(raw);
      this.bodies.ended(raw);
    });
    const headers = request.raw.rawHeaders.length / 2;
    if (headers > this.#limits.headers)
      throw withStatus(
        new CoaxError('COAX_MESSAGE_INVALID', `the request has more than ${this.#limits.headers} headers`),
        431,
      );
  }

  /** The answer is held from now on: it waits, and costs no work. */
  held(reply: FastifyReply): void {
    this.#under.delete(reply.raw);
  }

  /**
   * Asks who it is, and counts the request. An address that has shown too many wrong tokens is not even asked, but for a
   * header that was good before: a guesser must not shut out who shares his address. Errors: COAX_RATE, and what `ask` throws.
   * `whoOf`: who it turned out to be; null for a request that no token stands behind. Returns a promise only when `ask` does.
   */
  admit(
    request: FastifyRequest,
    reply: FastifyReply,
    ask: () => Promise<void> | undefined,
    whoOf: () => string | null,
  ): Promise<void> | undefined {
    const { authorization, cookie = '' } = request.headers;
    const shown = authorization ?? cookie;
    if (!this.#good.has(shown)) {
      const address = addressOf(request.ip);
      const waitMs = this.#ofAddresses.waitMs(address);
      if (waitMs > 0) throw this.#tooFast(reply, address, waitMs);
    }
    const refused = (error: unknown): never => {
      if (isCoaxError(error, 'COAX_AUTH_MISSING')) {
        this.#good.delete(shown);
        this.#ofAddresses.take(addressOf(request.ip));
      }
      throw error;
    };
    let asked: Promise<void> | undefined;
    try {
      asked = ask();
    } catch (error) {
      return refused(error);
    }
    if (asked !== undefined) return asked.then(() => this.#count(request, reply, shown, whoOf()), refused);
    this.#count(request, reply, shown, whoOf());
    return undefined;
  }

  #count(request: FastifyRequest, reply: FastifyReply, shown: string, who: string | null): void {
    if (who === null) {
      this.admitNobody(request, reply);
      return;
    }
    // Each token of somebody has a bucket of its own; a login has one.
    const client = `${who} ${shown}`;
    const taken = this.#ofTokens.take(client);
    if (!taken.ok) throw this.#tooFast(reply, who, taken.waitMs);
    this.#remember(shown);
    if (this.#ofTokens.rate > 0) this.#tell(reply, taken);
    this.bodies.take(request, reply, client);
  }

  /** Counts a request of a route that asks for no token, once it was let begin. Errors: COAX_RATE. */
  admitNobody(request: FastifyRequest, reply: FastifyReply): void {
    const address = addressOf(request.ip);
    const taken = this.#ofAddresses.take(address);
    if (!taken.ok) throw this.#tooFast(reply, address, taken.waitMs);
    this.bodies.take(request, reply, address);
  }

  #remember(shown: string): void {
    if (this.#good.has(shown)) return;
    if (this.#good.size >= GOOD_MAX) this.#good.clear();
    this.#good.add(shown);
  }

  #tooFast(reply: FastifyReply, who: string, waitMs: number): CoaxError {
    reply.header('ratelimit-policy', this.#policy);
    reply.header('ratelimit', `"token";r=0;t=${Math.ceil(waitMs / 1000)}`);
    return new CoaxError('COAX_RATE', `too many requests of ${who}`, { retryAfterMs: Math.ceil(waitMs) });
  }

  /** As the draft standard of RateLimit fields has it: what is left, and seconds until all is there again. */
  #tell(reply: FastifyReply, taken: Extract<Taken, { ok: true }>): void {
    reply.header('ratelimit-policy', this.#policy);
    reply.header('ratelimit', `"token";r=${taken.left};t=${Math.ceil(taken.resetMs / 1000)}`);
  }
}

/** One client: an IPv4 address, the first 64 bits of an IPv6 one, or whoever speaks over the Unix socket. */
export function addressOf(ip: string | undefined): string {
  if (ip === undefined || ip === '') return 'the local socket';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip);
  if (mapped) return mapped[1]!;
  if (!isIPv6(ip)) return ip;
  const [head = '', tail] = ip.toLowerCase().split('%')[0]!.split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const whole = [...first, ...Array.from({ length: 8 - first.length - last.length }, () => '0'), ...last];
  return `${(tail === undefined ? first : whole)
    .slice(0, 4)
    .map(part => part.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
