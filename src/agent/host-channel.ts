import type {
  Channel,
  Claim,
  ClaimRef,
  ClaimWish,
  ExtendAnswer,
  Finish,
  FinishAnswer,
} from '../channel/channel.ts';
import type { ServerClock } from './server-clock.ts';

/**
 * The channel of a host: work is asked for only while its reports get through. It would else ask twice a second, and with
 * it every other host of a server that comes back. What is under way goes on: it is extended and finished as ever.
 * Claims tell the server's time.
 */
export class HostChannel implements Channel {
  readonly #inner: Channel;
  readonly #clock: ServerClock;
  #open = false;
  readonly #waiting = new Set<() => void>();

  constructor(inner: Channel, clock: ServerClock) {
    this.#inner = inner;
    this.#clock = clock;
  }

  set open(open: boolean) {
    this.#open = open;
    if (!open) return;
    for (const go of this.#waiting) go();
    this.#waiting.clear();
  }

  async claim(wish: ClaimWish, signal?: AbortSignal): Promise<readonly Claim[]> {
    while (!this.#open) {
      if (signal?.aborted) return [];
      await new Promise<void>(resolve => {
        this.#waiting.add(resolve);
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    const claims = await this.#inner.claim(wish, signal);
    if (claims[0] !== undefined) this.#clock.heard(claims[0], wish.leaseMs);
    return claims;
  }

  extend(claims: readonly ClaimRef[], leaseMs: number): Promise<readonly ExtendAnswer[]> {
    return this.#inner.extend(claims, leaseMs);
  }

  finish(end: Finish): Promise<FinishAnswer> {
    return this.#inner.finish(end);
  }

  reveal(claim: Claim, names: readonly string[]): ReturnType<Channel['reveal']> {
    return this.#inner.reveal(claim, names);
  }

  release(claims: readonly ClaimRef[], begun: boolean, afterMs?: number): Promise<void> {
    return this.#inner.release(claims, begun, afterMs);
  }

  onAsk(worker: string, listener: (msgid: number) => void): () => void {
    return this.#inner.onAsk(worker, listener);
  }

  onLost(worker: string, listener: () => void): () => void {
    return this.#inner.onLost?.(worker, listener) ?? (() => {});
  }
}
