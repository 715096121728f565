import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ResponseHead } from '../../../cgi/response-head.ts';

/** Without a body, whatever a script writes. */
const BODILESS = new Set([204, 304]);
/** So long the first piece waits for the end: a short answer then goes out whole, with its length. */
const FIRST_WAITS_MS = 5;

/** The answer to a client, written as a script gives it. */
export class ScriptAnswer {
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  readonly #raw: ServerResponse;
  #location: string | null = null;
  /** Bytes that may still come; null = any number. */
  #left: number | null = null;
  #mute = false;
  #socket: Socket | null = null;
  #first: Uint8Array | null = null;
  #firstTimer: NodeJS.Timeout | undefined;

  readonly #last: boolean;

  /** `last`: the server closes, and the connection is not to be used again. */
  constructor(request: FastifyRequest, reply: FastifyReply, last: boolean) {
    this.#last = last;
    this.#request = request;
    this.#reply = reply;
    this.#raw = reply.raw;
  }

  /** Where on this server the answer really is, when the script said so. */
  get localRedirect(): string | null {
    return this.#location;
  }

  begin(head: ResponseHead): void {
    if (head.kind === 'local') {
      this.#location = head.location;
      this.#mute = true;
      return;
    }
    const raw = this.#takeOver();
    raw.statusCode = head.status;
    if (/^[\t -~]+$/.test(head.statusText)) raw.statusMessage = head.statusText;
    for (const [name, value] of head.headers) raw.appendHeader(name, value);
    raw.setHeader('x-request-id', this.#request.id);
    if (!raw.hasHeader('x-content-type-options')) raw.setHeader('x-content-type-options', 'nosniff');
    if (head.contentType !== null) raw.setHeader('content-type', head.contentType);
    if (head.location !== null) raw.setHeader('location', head.location);
    const bodiless = BODILESS.has(head.status);
    if (head.contentLength !== null && !bodiless) {
      raw.setHeader('content-length', head.contentLength);
      this.#left = head.contentLength;
    }
    if (bodiless || this.#request.method === 'HEAD') {
      this.#mute = true;
      this.#left = null;
    }
  }

  /** All that comes is the answer, headers and all; its end is the connection's. False if the connection cannot be had. */
  beginRaw(): boolean {
    const socket = this.#raw.socket;
    if (socket === null) return false; // an earlier request of the same connection is not yet answered
    this.#takeOver();
    this.#socket = socket;
    return true;
  }

  write(piece: Uint8Array): void | Promise<void> {
    if (this.#mute) return;
    if (this.#socket !== null) return this.#drained(this.#socket.write(piece), this.#socket);
    if (this.#left !== null) {
      // More than was said would be taken for the next answer on this connection.
      if (piece.length > this.#left) piece = piece.subarray(0, this.#left);
      this.#left -= piece.length;
    } else if (!this.#raw.headersSent && this.#first === null) {
      this.#first = piece;
      this.#firstTimer = setTimeout(() => this.#sendFirst(), FIRST_WAITS_MS);
      return;
    }
    this.#sendFirst();
    return this.#drained(this.#raw.write(piece), this.#raw);
  }

  /** The script gave its whole answer. */
  end(): void {
    if (this.#location !== null) return;
    if (this.#socket !== null) return void this.#socket.end();
    if (this.#left !== null && this.#left > 0) {
      this.cut();
      return;
    }
    clearTimeout(this.#firstTimer);
    const first = this.#first;
    this.#first = null;
    if (first === null) this.#raw.end();
    else {
      this.#raw.setHeader('content-length', first.length);
      this.#raw.end(first);
    }
  }

  /** It did not: a client must not take what it has for all there is. */
  cut(): void {
    clearTimeout(this.#firstTimer);
    this.#raw.destroy();
  }

  #takeOver(): ServerResponse {
    this.#reply.hijack();
    if (this.#last) this.#raw.setHeader('connection', 'close');
    return this.#raw;
  }

  #sendFirst(): void {
    clearTimeout(this.#firstTimer);
    if (this.#first === null) return;
    this.#raw.write(this.#first);
    this.#first = null;
  }

  #drained(flushed: boolean, stream: ServerResponse | Socket): void | Promise<void> {
    if (flushed || stream.destroyed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const go = (): void => {
      stream.off('drain', go).off('close', go);
      resolve();
    };
    stream.on('drain', go).on('close', go);
    return promise;
  }
}
