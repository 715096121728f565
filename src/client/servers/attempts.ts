import { setTimeout as sleep } from 'node:timers/promises';
import { CoaxError, isCoaxError } from '../../errors/coax-error.ts';
import type { ErrorCode } from '../../errors/codes.ts';
import { type Call, mayRepeat, wasNeverSent } from './connections.ts';
import type { ServerAddress, Servers } from './servers.ts';

/** So often every server is asked before a call fails; whoever can wait longer calls again. */
const ROUNDS = 3;
/** Between rounds: a random part of this, doubled each time, in milliseconds. */
const ROUND_MS = 400;
/** What another server may do all the same. */
const ELSEWHERE: ReadonlySet<ErrorCode> = new Set([
  'COAX_SERVER_UNREACHABLE',
  'COAX_NOT_READY',
  'COAX_STORE_UNAVAILABLE',
]);

/** The attempts of one call at the servers of a list. */
export class Attempts {
  readonly #servers: Servers;
  readonly #call: Call;
  readonly #faults = new Map<ServerAddress, CoaxError>();
  #tried = new Set<ServerAddress>();
  #round = 1;
  /** Why it is not known whether the call was done. */
  #doubt: { readonly server: ServerAddress; readonly error: CoaxError } | null = null;

  constructor(servers: Servers, call: Call) {
    this.#servers = servers;
    this.#call = call;
  }

  /**
   * Resolves when the call may be made once more, at the server that is current then. Rejects with the error when it may
   * not, or with one that names every server when none of them did it.
   */
  async failed(server: ServerAddress, error: unknown): Promise<undefined> {
    // The server before took the key, and died with the call under way, or having answered with a secret.
    if (this.#doubt !== null && isCoaxError(error, 'COAX_IDEMPOTENCY_CONFLICT'))
      throw this.#uncertain(this.#doubt);
    if (!isCoaxError(error) || !ELSEWHERE.has(error.code) || !this.#servers.several) throw error;
    this.#faults.set(server, error);
    this.#tried.add(server);
    this.#servers.leave(server, this.#tried);
    // A server that takes nothing says so before it does anything.
    const isUndone = wasNeverSent(error) || error.code === 'COAX_NOT_READY';
    if (!isUndone) this.#doubt ??= { server, error };
    if (this.#call.upload !== undefined || !(isUndone || mayRepeat(this.#call)))
      throw this.#uncertain({ server, error });
    if (this.#tried.size === this.#servers.all.length) await this.#nextRound(error);
    return undefined;
  }

  async #nextRound(error: CoaxError): Promise<void> {
    // A server without its store has waited for it long enough.
    const isFinal = [...this.#faults.values()].every(({ code }) => code === 'COAX_STORE_UNAVAILABLE');
    if (this.#round === ROUNDS || isFinal) throw this.#allFailed(error);
    this.#tried = new Set();
    const waitMs = Math.random() * ROUND_MS * 2 ** (this.#round - 1);
    this.#round += 1;
    const { signal } = this.#call;
    await sleep(waitMs, undefined, signal && { signal }).catch(reason => {
      throw signal?.aborted ? signal.reason : reason;
    });
  }

  #uncertain({ server, error }: { server: ServerAddress; error: CoaxError }): CoaxError {
    if (this.#call.method === 'GET' || error.code === 'COAX_STORE_UNAVAILABLE') return error;
    return new CoaxError(error.code, error.reason, {
      where: server.url,
      cause: error,
      hint: wasNeverSent(error)
        ? 'Nothing was done: give the command again.'
        : 'Whether it was done is not known: look before you give the command again.',
    });
  }

  #allFailed(last: CoaxError): CoaxError {
    const codes = new Set([...this.#faults.values()].map(({ code }) => code));
    const code = codes.size === 1 ? last.code : 'COAX_SERVER_UNREACHABLE';
    const verb = code === 'COAX_SERVER_UNREACHABLE' ? 'answers' : 'can do that now';
    return new CoaxError(code, `none of the ${this.#servers.all.length} servers ${verb}`, {
      where: this.#servers.text,
      faults: [...this.#faults].map(([{ url }, { reason }]) => ({ where: url, reason })),
      hint: last.hint,
      cause: last,
      retryAfterMs: last.retryAfterMs ?? 1000,
    });
  }
}
