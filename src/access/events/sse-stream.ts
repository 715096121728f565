import type { FastifyReply } from 'fastify';
import { viewText } from '../../message/secret/sealed.ts';

const PING_MS = 15_000;
/** Text waiting for a client that reads too slowly. */
const BACKLOG_BYTES_MAX = 1024 * 1024;
const GRACE_MS = 5000;

/** One client's stream of server-sent events (WHATWG HTML, 9.2), with a bounded backlog. */
export class SseStream {
  /** Aborts when the connection is closed, by whichever side. */
  readonly closed: AbortSignal;
  readonly #raw: FastifyReply['raw'];
  readonly #ping: NodeJS.Timeout;

  constructor(reply: FastifyReply) {
    const raw = reply.raw;
    this.#raw = raw;
    const controller = new AbortController();
    this.closed = controller.signal;
    reply.hijack();
    // `no` keeps nginx from gathering events in a buffer.
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      // The end of the stream is the end of the connection: a client that was let go must see it.
      connection: 'close',
      'x-request-id': reply.request.id,
    });
    raw.write(': coax\n\n');
    this.#ping = setInterval(() => raw.write(': ping\n\n'), PING_MS).unref();
    raw.on('error', () => raw.destroy());
    raw.on('close', () => {
      clearInterval(this.#ping);
      controller.abort();
    });
    // A client can be gone before its request is answered.
    if (raw.destroyed) controller.abort();
  }

  /** Sends an event. False: the client is behind; wait for `drained` or go on within the backlog. */
  send(event: string, data: unknown, id?: string): boolean {
    if (this.closed.aborted) return false;
    const text = `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${viewText(data)}\n\n`;
    return this.#raw.write(text);
  }

  get isTooSlow(): boolean {
    return this.#raw.writableLength > BACKLOG_BYTES_MAX;
  }

  /** Resolves when the backlog is gone, or the client is. */
  async drained(): Promise<void> {
    if (this.closed.aborted || !this.#raw.writableNeedDrain) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#raw.once('drain', resolve);
    this.#raw.once('close', resolve);
    await promise;
    this.#raw.off('drain', resolve);
    this.#raw.off('close', resolve);
  }

  /** Closes without a word, as a connection that breaks. */
  cut(): void {
    this.#raw.destroy();
  }

  /** Says why, then closes; a client that does not even take that is cut off. */
  end(reason: string): void {
    if (this.closed.aborted || this.#raw.writableEnded) return;
    this.send('end', { reason });
    this.#raw.end();
    const cut = setTimeout(() => this.#raw.destroy(), GRACE_MS).unref();
    this.#raw.once('close', () => clearTimeout(cut));
  }
}
