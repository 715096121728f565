import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { CoaxError, isCoaxError } from '../errors/coax-error.ts';
import { errorOfProblem } from './problem-error.ts';
import { Attempts } from './servers/attempts.ts';
import { type Call, Connections, mayRepeat, readAll, readCertificates } from './servers/connections.ts';
import { type ServerAddress, Servers } from './servers/servers.ts';

export type { Call } from './servers/connections.ts';

/** Tokens that end and are followed by others. */
export interface TokenSource {
  /** The one to send now. */
  current(): Promise<string>;
  /** The one to send after that one was refused; the same question asked by several at a time is one. */
  after(refused: string): Promise<string>;
}

export interface ClientOptions {
  /**
   * `http://HOST:PORT`, `https://…` or `unix:/path/to/socket`; several servers of one installation with commas between. Those who
   * are given the same `Servers` ask the same one of them.
   */
  readonly url: string | Servers;
  readonly token: string | TokenSource;
  /** File with the certificates (PEM) that the server's TLS is checked against; empty or absent: those that Node knows. */
  readonly ca?: string;
  /** Goes with every submission and list that names none. */
  readonly project?: string;
}

/** How long it waits in all when it is told to ask again later. */
const PATIENCE_MS = 15_000;

interface Answered {
  readonly answer: IncomingMessage;
  readonly server: ServerAddress;
}

/**
 * HTTP to one of the servers of an installation, and to another when that one cannot be reached, or says that it takes
 * nothing. What may have been done is sent again only where it does no harm: what reads, and what has an idempotency key.
 * Errors: what the server said; COAX_SERVER_UNREACHABLE, which names every address that was tried.
 */
export class Transport {
  readonly servers: Servers;
  readonly #token: string | TokenSource;
  readonly #ca: string;
  readonly #connections: Connections;

  constructor({ url, token, ca = '' }: ClientOptions) {
    this.servers = Servers.of(url);
    this.#token = token;
    this.#ca = ca;
    this.#connections = new Connections(this.servers, ca);
  }

  /** The server that is asked now. */
  get url(): string {
    return this.servers.current.url;
  }

  /** The answer's JSON. */
  async json<T>(asked: Call): Promise<T> {
    const call = this.#withKey(asked);
    const attempts = new Attempts(this.servers, call);
    while (true) {
      const { answer, server } = await this.#send(call, attempts);
      const text = await readAll(answer, server.url, call.signal).catch(error =>
        attempts.failed(server, error),
      );
      if (text === undefined) continue;
      try {
        return (text === '' ? undefined : JSON.parse(text)) as T;
      } catch (cause) {
        throw new CoaxError('COAX_SERVER_UNREACHABLE', 'what answers there is not a Coax server', {
          where: server.url,
          cause,
        });
      }
    }
  }

  /** The answer as it begins to come; its status is below 400. The caller reads it to its end or destroys it. */
  async send(asked: Call): Promise<IncomingMessage> {
    const call = this.#withKey(asked);
    return (await this.#send(call, new Attempts(this.servers, call))).answer;
  }

  async #send(call: Call, attempts: Attempts): Promise<Answered> {
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    // What can be sent only once is sent where somebody answers.
    if (call.upload !== undefined && this.servers.several)
      await this.json({ method: 'GET', path: '/readyz' });
    for (let patienceMs = PATIENCE_MS; ; ) {
      const server = this.servers.current;
      try {
        const answer = await this.#sendWithToken(server, call, body);
        const status = answer.statusCode ?? 0;
        if (status < 400) return { answer, server };
        throw await this.#refusal(server, call, answer, status);
      } catch (error) {
        if (!isCoaxError(error, 'COAX_RATE')) {
          await attempts.failed(server, error);
          continue;
        }
        // Whoever was asked too fast has done nothing.
        const waitMs = error.retryAfterMs ?? 1000;
        if (waitMs > patienceMs) throw error;
        patienceMs -= Math.max(waitMs, 10);
        await sleep(waitMs, undefined, { ...(call.signal && { signal: call.signal }) });
      }
    }
  }

  /** Where a second server may be asked, every POST can be told from the one before. */
  #withKey(call: Call): Call {
    if (call.method !== 'POST' || !this.servers.several || mayRepeat(call)) return call;
    return { ...call, headers: { ...call.headers, 'idempotency-key': randomUUID() } };
  }

  async #refusal(
    { url }: ServerAddress,
    call: Call,
    answer: IncomingMessage,
    status: number,
  ): Promise<CoaxError> {
    const text = await readAll(answer, url, call.signal);
    let problem: unknown = null;
    try {
      problem = JSON.parse(text);
    } catch {
      // Not ours, as from a proxy.
    }
    return errorOfProblem(status, problem, `${call.method} ${call.path}`);
  }

  /** A WebSocket of this server, as it begins to open. No token is sent with it. */
  async webSocket(path: string, protocols: readonly string[]): Promise<WebSocket> {
    const ws = await import('ws');
    const ca = this.#ca === '' ? {} : { ca: readCertificates(this.#ca) };
    return new ws.WebSocket(webSocketUrl(this.url, path), [...protocols], ca);
  }

  close(): void {
    this.#connections.close();
  }

  /** A token that is refused is asked for once more: whoever refused it has done nothing. */
  async #sendWithToken(
    server: ServerAddress,
    call: Call,
    body: string | undefined,
  ): Promise<IncomingMessage> {
    if (typeof this.#token === 'string') return this.#connections.request(server, call, body, this.#token);
    const token = await this.#token.current();
    const answer = await this.#connections.request(server, call, body, token);
    if (answer.statusCode !== 401 || call.upload !== undefined) return answer;
    answer.resume();
    return this.#connections.request(server, call, body, await this.#token.after(token));
  }
}

/** The address of a WebSocket of a server, as `ws` opens it; also through a Unix socket. */
export function webSocketUrl(url: string, path: string): string {
  if (url.startsWith('unix:')) return `ws+unix:${url.slice('unix:'.length)}:${path}`;
  return url.replace(/^http/, 'ws').replace(/\/$/, '') + path;
}
