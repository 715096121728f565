import { readFileSync } from 'node:fs';
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { CoaxError } from '../errors/coax-error.ts';
import { errorOfProblem } from './problem-error.ts';

/** Tokens that end and are followed by others. */
export interface TokenSource {
  /** The one to send now. */
  current(): Promise<string>;
  /** The one to send after that one was refused; the same question asked by several at a time is one. */
  after(refused: string): Promise<string>;
}

export interface ClientOptions {
  /** `http://HOST:PORT`, `https://…` or `unix:/path/to/socket`. */
  readonly url: string;
  readonly token: string | TokenSource;
  /** File with the certificates (PEM) that the server's TLS is checked against; empty or absent: those that Node knows. */
  readonly ca?: string;
  /** Goes with every submission and list that names none. */
  readonly project?: string;
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Begins with `/`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** Bytes instead of a body of JSON. They are read once, so such a call is not sent again. */
  readonly upload?: { readonly size: number; readonly bytes: AsyncIterable<Uint8Array> };
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Gives up after so long without a byte; 0 = never. */
  readonly idleMs?: number;
}

const IDLE_MS = 120_000;
/** How long it waits in all when it is told to ask again later. */
const PATIENCE_MS = 15_000;

/**
 * HTTP with connections kept open. `node:http` rather than `fetch`: it speaks over Unix sockets, has no hidden time
 * limits, and starts faster. Errors: what the server said, or COAX_SERVER_UNREACHABLE.
 */
export class Transport {
  readonly url: string;
  readonly #token: string | TokenSource;
  readonly #ca: string;
  readonly #base: URL;
  readonly #socketPath: string | undefined;
  #agent: Agent | null = null;

  constructor({ url, token, ca = '' }: ClientOptions) {
    this.url = url;
    this.#token = token;
    this.#ca = ca;
    this.#socketPath = url.startsWith('unix:') ? url.slice('unix:'.length) : undefined;
    this.#base = new URL(this.#socketPath === undefined ? url : 'http://localhost');
  }

  /** The answer's JSON. */
  async json<T>(call: Call): Promise<T> {
    const answer = await this.send(call);
    const text = await readAll(answer, this.url, call.signal);
    try {
      return (text === '' ? undefined : JSON.parse(text)) as T;
    } catch (cause) {
      throw new CoaxError('COAX_SERVER_UNREACHABLE', 'what answers there is not a Coax server', {
        where: this.url,
        cause,
      });
    }
  }

  /** The answer as it begins to come; its status is below 400. The caller reads it to its end or destroys it. */
  async send(call: Call): Promise<IncomingMessage> {
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    for (let patienceMs = PATIENCE_MS; ; ) {
      const answer = await this.#sendWithToken(call, body);
      const status = answer.statusCode ?? 0;
      if (status < 400) return answer;
      const error = await this.#refusal(call, answer, status);
      // Whoever was asked too fast has done nothing.
      const waitMs = error.code === 'COAX_RATE' ? (error.retryAfterMs ?? 1000) : Number.POSITIVE_INFINITY;
      if (waitMs > patienceMs) throw error;
      patienceMs -= Math.max(waitMs, 10);
      await sleep(waitMs, undefined, { ...(call.signal && { signal: call.signal }) });
    }
  }

  async #refusal(call: Call, answer: IncomingMessage, status: number): Promise<CoaxError> {
    const text = await readAll(answer, this.url, call.signal);
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
    this.#agent?.destroy();
    this.#agent = null;
  }

  #target(path: string): URL {
    return new URL(this.#base.href.replace(/\/$/, '') + path);
  }

  /** A token that is refused is asked for once more: whoever refused it has done nothing. */
  async #sendWithToken(call: Call, body: string | undefined): Promise<IncomingMessage> {
    if (typeof this.#token === 'string') return this.#sendOnce(call, body, this.#token, true);
    const token = await this.#token.current();
    const answer = await this.#sendOnce(call, body, token, true);
    if (answer.statusCode !== 401 || call.upload !== undefined) return answer;
    answer.resume();
    return this.#sendOnce(call, body, await this.#token.after(token), true);
  }

  async #sendOnce(
    call: Call,
    body: string | undefined,
    token: string,
    mayRepeat: boolean,
  ): Promise<IncomingMessage> {
    const target = this.#target(call.path);
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) target.searchParams.set(name, String(value));
    }
    const headers: Record<string, string> = { accept: 'application/json', ...call.headers };
    if (token !== '') headers.authorization = `Bearer ${token}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (call.upload !== undefined) {
      headers['content-type'] = 'application/octet-stream';
      headers['content-length'] = String(call.upload.size);
    }
    const make = this.#base.protocol === 'https:' ? (await import('node:https')).request : httpRequest;
    this.#agent ??= await makeAgent(this.#base.protocol, this.#ca);
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    call.signal?.throwIfAborted();
    const request = make(target, {
      method: call.method,
      headers,
      agent: this.#agent,
      ...(call.signal && { signal: call.signal }),
      ...(this.#socketPath !== undefined && { socketPath: this.#socketPath }),
    });
    const idleMs = call.idleMs ?? IDLE_MS;
    if (idleMs > 0) {
      request.setTimeout(idleMs, () => request.destroy(new Error(`no answer for ${idleMs / 1000} s`)));
    }
    request.on('response', resolve);
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (call.signal?.aborted) return reject(call.signal.reason);
      // The server closed a kept connection just as it was used again: what may be repeated is.
      const repeatable = call.method === 'GET' || headers['idempotency-key'] !== undefined;
      if (mayRepeat && repeatable && request.reusedSocket && error.code === 'ECONNRESET') {
        return resolve(this.#sendOnce(call, body, token, false));
      }
      reject(unreachable(this.url, error));
    });
    if (call.upload === undefined) request.end(body);
    else pipeUpload(call.upload.bytes, request, reject);
    return promise;
  }
}

/** Sends bytes as they come. When they fail, so does the request, for their reason. */
function pipeUpload(
  bytes: AsyncIterable<Uint8Array>,
  request: ClientRequest,
  reject: (reason: unknown) => void,
): void {
  pipeline(bytes, request).catch(error => {
    // The server's refusal may be on its way, though it did not read to the end.
    if (!request.destroyed || error instanceof CoaxError) reject(error);
  });
}

/** The address of a WebSocket of a server, as `ws` opens it; also through a Unix socket. */
export function webSocketUrl(url: string, path: string): string {
  if (url.startsWith('unix:')) return `ws+unix:${url.slice('unix:'.length)}:${path}`;
  return url.replace(/^http/, 'ws').replace(/\/$/, '') + path;
}

async function makeAgent(protocol: string, ca: string): Promise<Agent> {
  const options = { keepAlive: true, maxSockets: 64 };
  if (protocol !== 'https:') return new Agent(options);
  const { Agent: TlsAgent } = await import('node:https');
  return new TlsAgent({ ...options, ...(ca !== '' && { ca: readCertificates(ca) }) });
}

/** Errors: COAX_USAGE when there are none to read. */
export function readCertificates(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CoaxError('COAX_USAGE', 'the file of certificates cannot be read', { where: file, cause });
  }
}

/** The text of a whole answer. */
async function readAll(answer: IncomingMessage, url: string, signal?: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of answer) chunks.push(chunk as Buffer);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw unreachable(url, error as NodeJS.ErrnoException);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function unreachable(url: string, error: NodeJS.ErrnoException): CoaxError {
  if (url.startsWith('https:') && error.code === 'EPROTO' && /wrong version number/.test(error.message))
    return new CoaxError('COAX_SERVER_UNREACHABLE', 'what answers there speaks no TLS', {
      where: url,
      cause: error,
      hint: `Without TLS, as on this machine alone, it is ${url.replace(/^https/, 'http')}`,
    });
  const reason =
    error.code === 'ECONNREFUSED' || error.code === 'ENOENT'
      ? 'no server answers there'
      : `the connection failed: ${error.message || error.code}`;
  return new CoaxError('COAX_SERVER_UNREACHABLE', reason, { where: url, cause: error, retryAfterMs: 1000 });
}
