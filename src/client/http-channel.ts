import {
  type AskEventView,
  type ClaimAnswer,
  type ClaimView,
  type ExtendAnswerView,
  type FinishAnswerView,
  type HelloBody as Hello,
  type RevealAnswer,
  SESSION_CLAIMS,
  type SessionClaims,
  WORKER_PROTOCOL,
} from '../api/channel.ts';
import type {
  Channel,
  Claim,
  ClaimRef,
  ClaimWish,
  ExtendAnswer,
  Finish,
  FinishAnswer,
} from '../channel/channel.ts';
import { CoaxError } from '../errors/coax-error.ts';
import type { StepOutcome } from '../message/outcome.ts';
import { pause } from './event-stream.ts';
import { readServerSentEvents } from './sse.ts';
import { type Call, type ClientOptions, Transport } from './transport.ts';

const SILENCE_MS = 45_000;
/** Another server is asked when one does not answer for so long: longer than a server waits for its store, shorter than a lease. */
const ANSWER_MS = 20_000;

/**
 * The channel over HTTP, for workers on other machines. While a worker's session is open its death is seen at once, and
 * what it held goes back to the cable; without one, at the end of its leases.
 *
 * Errors: those of the server; COAX_SERVER_UNREACHABLE, after which the caller tries again. Transactional steps run in
 * the server only: finishing with a function is refused with COAX_STEP_START.
 */
export class HttpChannel implements Channel {
  readonly #transport: Transport;
  readonly #sessions = new Map<string, Session>();

  constructor(options: ClientOptions) {
    this.#transport = new Transport(options);
  }

  async claim(request: ClaimWish, signal?: AbortSignal): Promise<readonly Claim[]> {
    await this.#session(request.worker).ready;
    const { worker, addresses, limit, leaseMs, waitMs } = request;
    try {
      const { items } = await this.#post<ClaimAnswer>(
        'claim',
        { worker, addresses, limit, leaseMs, waitMs },
        // Longer than the server holds the request: it answers first.
        { idleMs: waitMs + 30_000, signal, held: true },
      );
      return items.map(claimOf);
    } catch (error) {
      if (signal?.aborted && error === signal.reason) return [];
      throw error;
    }
  }

  async extend(claims: readonly ClaimRef[], leaseMs: number): Promise<readonly ExtendAnswer[]> {
    if (claims.length === 0) return [];
    return (await this.#post<ExtendAnswerView>('extend', { claims: claims.map(refOf), leaseMs })).items;
  }

  async finish({ claim, outcome, secret, code, started, finished, keepAt }: Finish): Promise<FinishAnswer> {
    if (typeof outcome === 'function') {
      throw new CoaxError('COAX_STEP_START', 'a transactional step runs in the server only', {
        hint: "Let this worker serve other modules; the server's own worker serves this one.",
      });
    }
    const answer = await this.#post<FinishAnswerView>('finish', {
      ...refOf(claim),
      worker: claim.message.worker ?? undefined,
      outcome,
      ...secretOf(outcome, secret),
      code,
      started,
      finished,
      ...(keepAt && { keepAt: [...keepAt] }),
    });
    if (answer.kind === 'lost') return answer;
    return { kind: 'written', message: answer.message, claim: answer.claim && claimOf(answer.claim) };
  }

  async reveal(claim: Claim, names: readonly string[]): ReturnType<Channel['reveal']> {
    const { worker } = claim.message;
    const answer = await this.#post<RevealAnswer>('reveal', { ...refOf(claim), worker, names: [...names] });
    return answer.kind === 'lost' ? null : answer;
  }

  async release(claims: readonly ClaimRef[], begun: boolean, afterMs = 0): Promise<void> {
    if (claims.length > 0) await this.#post('release', { claims: claims.map(refOf), begun, afterMs });
  }

  /** Tells the server who that worker is and what code it has: now, and whenever its session is opened again. */
  async introduce(hello: Omit<Hello, 'protocol'>): Promise<void> {
    const session = this.#session(hello.worker);
    session.hello = { protocol: WORKER_PROTOCOL, ...hello };
    await session.ready;
    await this.#post('hello', session.hello);
  }

  onAsk(worker: string, listener: (msgid: number) => void): () => void {
    const { listeners } = this.#session(worker);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  onLost(worker: string, listener: () => void): () => void {
    const { lostListeners } = this.#session(worker);
    lostListeners.add(listener);
    return () => lostListeners.delete(listener);
  }

  /** Closes the sessions: the server takes back what their workers still hold. */
  close(): void {
    for (const session of this.#sessions.values()) session.close();
    this.#sessions.clear();
    this.#transport.close();
  }

  get #idle(): Pick<Call, 'idleMs'> {
    return this.#transport.servers.several ? { idleMs: ANSWER_MS } : {};
  }

  #session(worker: string): Session {
    let session = this.#sessions.get(worker);
    if (session === undefined) {
      session = new Session(this.#transport, worker);
      this.#sessions.set(worker, session);
    }
    return session;
  }

  #post<T>(verb: string, body: unknown, more: Pick<Call, 'idleMs' | 'signal' | 'held'> = {}): Promise<T> {
    // Fences make it safe to say anything twice; a claim whose answer is lost is given back, or its lease ends.
    const path = `/v1/channel/${verb}`;
    return this.#transport.json({ method: 'POST', path, body, repeatable: true, ...this.#idle, ...more });
  }
}

/** One worker's open connection; opened again whenever it breaks. */
class Session {
  readonly listeners = new Set<(msgid: number) => void>();
  readonly lostListeners = new Set<() => void>();
  /** Resolves when the first attempt to connect has succeeded or failed. */
  readonly ready: Promise<void>;
  hello: Hello | null = null;
  readonly #transport: Transport;
  readonly #worker: string;
  readonly #closing = new AbortController();

  constructor(transport: Transport, worker: string) {
    this.#transport = transport;
    this.#worker = worker;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ready = promise;
    void this.#run(resolve);
  }

  close(): void {
    this.#closing.abort();
  }

  async #sayHello(): Promise<void> {
    if (this.hello === null) return;
    await this.#transport.json({
      method: 'POST',
      path: '/v1/channel/hello',
      body: this.hello,
      repeatable: true,
    });
  }

  async #run(ready: () => void): Promise<void> {
    const { signal } = this.#closing;
    let delayMs = 100;
    // What the worker has of the session before; unknown when there was none.
    let claims: SessionClaims | null = null;
    while (!signal.aborted) {
      let open = false;
      try {
        const answer = await this.#transport.send({
          method: 'GET',
          path: '/v1/channel/session',
          query: { worker: this.#worker },
          headers: { accept: 'text/event-stream', ...(claims && { [SESSION_CLAIMS]: claims }) },
          signal,
          idleMs: SILENCE_MS,
        });
        for await (const { event, data } of readServerSentEvents(answer)) {
          delayMs = 100;
          if (event === 'open') {
            open = true;
            claims = 'lost';
            await this.#sayHello();
            ready();
          }
          // The server closes in order: it leaves us what we hold.
          if (event === 'end') {
            open = false;
            claims = 'kept';
          }
          if (event !== 'ask') continue;
          const { msgid } = JSON.parse(data) as AskEventView;
          for (const listener of this.listeners) listener(msgid);
        }
      } catch {
        // Claims fail with the same reason, and their caller hears of it.
      }
      // The server gives on what the worker held, so the worker lets go of it before it comes back.
      if (open && !signal.aborted) for (const listener of this.lostListeners) listener();
      ready();
      // By chance less, so that the workers of a server that was away do not all come at once.
      if (!signal.aborted) await pause(delayMs * Math.random(), signal).catch(() => {});
      delayMs = Math.min(delayMs * 2, 2000);
    }
  }
}

const refOf = ({ msgid, fence }: ClaimRef): ClaimRef => ({ msgid, fence });

/** Most steps set no secret: then nothing is said of any. */
function secretOf(
  outcome: StepOutcome,
  secret: Finish['secret'],
): { secret?: readonly (readonly string[])[] } {
  const places = outcome.kind === 'ok' ? (secret?.(outcome.set) ?? []) : [];
  return places.length === 0 ? {} : { secret: places };
}

function claimOf({ msgid, fence, leaseUntil, message }: ClaimView): Claim {
  return { msgid, fence, leaseUntil, message };
}
