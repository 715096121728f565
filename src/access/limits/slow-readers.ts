import type { Server, Socket } from 'node:net';

interface Progress {
  /** Bytes that the system had taken of what was written. */
  taken: number;
  /** Monotonic milliseconds: since when it has taken no more. */
  since: number;
}

/** Looks so often in the time that is given. */
const LOOKS = 4;

/**
 * Cuts off clients that do not take their answers: what waits for them lies in memory. One look at all connections now and
 * then, so that a request costs nothing.
 */
export class SlowReaders {
  readonly #sockets = new Map<Socket, Progress>();
  readonly #server: Server;
  readonly #most: number;
  readonly #timer: NodeJS.Timeout;

  /** `mostMs`: how long a client may take nothing while something waits for it. */
  constructor(server: Server, mostMs: number) {
    this.#server = server;
    this.#most = mostMs;
    server.on('connection', this.#add);
    this.#timer = setInterval(() => this.look(performance.now()), mostMs / LOOKS).unref();
  }

  readonly #add = (socket: Socket): void => {
    this.#sockets.set(socket, { taken: 0, since: 0 });
    socket.once('close', () => this.#sockets.delete(socket));
  };

  /** `now`: monotonic milliseconds. */
  look(now: number): void {
    for (const [socket, progress] of this.#sockets) {
      const waiting = socket.writableLength;
      // Bytes written counts what waits, too.
      const taken = socket.bytesWritten - waiting;
      if (waiting === 0 || taken !== progress.taken || progress.since === 0) {
        progress.taken = taken;
        progress.since = waiting === 0 ? 0 : now;
      } else if (now - progress.since >= this.#most) socket.destroy();
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#server.off('connection', this.#add);
  }
}
