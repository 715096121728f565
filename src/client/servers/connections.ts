import { readFileSync } from 'node:fs';
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { CoaxError } from '../../errors/coax-error.ts';
import type { ServerAddress, Servers } from './servers.ts';

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
  /** Done twice it is as good as done once, though it neither reads only nor has an idempotency key. */
  readonly repeatable?: boolean;
  /** The server holds its answer: the call goes elsewhere as soon as anybody finds that this server does not answer. */
  readonly held?: boolean;
}

const IDLE_MS = 120_000;
/** Of several servers, one to which there is no connection within so long is passed over. */
const CONNECT_MS = 5000;

/** May the call be sent once more, after it may have been done? */
export function mayRepeat({ method, headers, upload, repeatable }: Call): boolean {
  if (upload !== undefined) return false;
  return method === 'GET' || repeatable === true || headers?.['idempotency-key'] !== undefined;
}

/** Errors of requests that cannot have reached a server. */
const UNSENT = new WeakSet<CoaxError>();

/** Is it certain that no server has seen the request? */
export const wasNeverSent = (error: CoaxError): boolean => UNSENT.has(error);

/**
 * Connections that are kept open. `node:http` rather than `fetch`: it speaks over Unix sockets, has no hidden time limits,
 * and starts faster.
 */
export class Connections {
  readonly #servers: Servers;
  readonly #ca: string;
  readonly #agents = new Map<string, Agent>();

  constructor(servers: Servers, ca: string) {
    this.#servers = servers;
    this.#ca = ca;
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  /** The answer as it begins to come, whatever its status. Errors: COAX_SERVER_UNREACHABLE, and the signal's reason. */
  async request(
    server: ServerAddress,
    call: Call,
    body: string | undefined,
    token: string,
    isAgain = false,
  ): Promise<IncomingMessage> {
    const { protocol } = server.base;
    const make = protocol === 'https:' ? (await import('node:https')).request : httpRequest;
    const agent = await this.#agent(protocol);
    call.signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = make(targetOf(server, call), {
      method: call.method,
      headers: headersOf(call, body, token),
      agent,
      ...(call.signal && { signal: call.signal }),
      ...(server.socketPath !== undefined && { socketPath: server.socketPath }),
    });
    const life = watch(request, server, call, this.#servers);
    request.on('response', resolve);
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (call.signal?.aborted) return reject(call.signal.reason);
      // The server closed a kept connection just as it was used again: what may be repeated is.
      if (!isAgain && mayRepeat(call) && request.reusedSocket && error.code === 'ECONNRESET') {
        return resolve(this.request(server, call, body, token, true));
      }
      const fault = unreachable(server.url, error);
      if (!life.connected) UNSENT.add(fault);
      reject(fault);
    });
    if (call.upload === undefined) request.end(body);
    else pipeUpload(call.upload.bytes, request, reject);
    return promise;
  }

  async #agent(protocol: string): Promise<Agent> {
    const found = this.#agents.get(protocol);
    if (found !== undefined) return found;
    const agent = await makeAgent(protocol, this.#ca);
    const other = this.#agents.get(protocol);
    if (other !== undefined) {
      agent.destroy();
      return other;
    }
    this.#agents.set(protocol, agent);
    return agent;
  }
}

function targetOf(server: ServerAddress, call: Call): URL {
  const target = new URL(server.base.href.replace(/\/$/, '') + call.path);
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) target.searchParams.set(name, String(value));
  }
  return target;
}

function headersOf(call: Call, body: string | undefined, token: string): Record<string, string> {
  const headers: Record<string, string> = { accept: 'application/json', ...call.headers };
  if (token !== '') headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (call.upload !== undefined) {
    headers['content-type'] = 'application/octet-stream';
    headers['content-length'] = String(call.upload.size);
  }
  return headers;
}

/** Ends a request to a server that is silent, cannot be connected to, or was left by others who share the list. */
function watch(
  request: ClientRequest,
  server: ServerAddress,
  call: Call,
  servers: Servers,
): { connected: boolean } {
  const life = { connected: false };
  const idleMs = call.idleMs ?? IDLE_MS;
  if (idleMs > 0) {
    request.setTimeout(idleMs, () => {
      // Whoever reads the answer, if it has begun, does not know which server it is of.
      servers.leave(server);
      request.destroy(new Error(`no answer for ${idleMs / 1000} s`));
    });
  }
  let timer: NodeJS.Timeout | undefined;
  request.once('socket', (socket: Socket) => {
    const connected = (): void => {
      life.connected = true;
      clearTimeout(timer);
    };
    if (!socket.connecting) return connected();
    socket.once(server.base.protocol === 'https:' ? 'secureConnect' : 'connect', connected);
    if (!servers.several) return;
    timer = setTimeout(
      () => request.destroy(new Error(`no connection within ${CONNECT_MS / 1000} s`)),
      CONNECT_MS,
    );
  });
  const stop = call.held
    ? servers.onLeave(left => {
        if (left === server) request.destroy(new Error('it does not answer others'));
      })
    : undefined;
  request.once('close', () => {
    clearTimeout(timer);
    stop?.();
  });
  return life;
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
export async function readAll(answer: IncomingMessage, url: string, signal?: AbortSignal): Promise<string> {
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
