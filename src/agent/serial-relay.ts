import { type RawData, WebSocket } from 'ws';
import { pause } from '../client/event-stream.ts';
import { readCertificates, unreachable } from '../client/servers/connections.ts';
import type { Servers } from '../client/servers/servers.ts';
import { type TokenSource, webSocketUrl } from '../client/transport.ts';
import { CoaxError } from '../errors/coax-error.ts';
import { HostEnd } from '../serial/host-end.ts';
import type { LineSource } from '../serial/serial-line.ts';

export interface SerialRelayOptions {
  readonly servers: Servers;
  readonly ca: string;
  readonly host: string;
  readonly token: TokenSource;
  /** The lines of the guests here. */
  readonly source: LineSource;
  onFault(error: unknown): void;
}

const CONNECT_MS = 10_000;
/** The server asks every 25 s whether the agent is there; silent for longer, it is away. */
const SILENCE_MS = 60_000;
const AGAIN_MS = { least: 200, most: 15_000 };

/**
 * Carries the serial lines of this host's guests to the server, by a connection that the host opens: nothing needs to reach
 * the host. Opened again whenever it breaks.
 */
export class SerialRelay {
  readonly #options: SerialRelayOptions;
  readonly #closing = new AbortController();
  #socket: WebSocket | null = null;

  constructor(options: SerialRelayOptions) {
    this.#options = options;
    void this.#run();
  }

  close(): void {
    this.#closing.abort();
    this.#socket?.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let delayMs = AGAIN_MS.least;
    while (!signal.aborted) {
      try {
        await this.#connect(() => {
          delayMs = AGAIN_MS.least;
        });
      } catch (error) {
        if (!signal.aborted) this.#options.onFault(error);
      }
      // By chance less, so that the hosts of a server that was away do not all come at once.
      await pause(delayMs * Math.random(), signal).catch(() => {});
      delayMs = Math.min(delayMs * 2, AGAIN_MS.most);
    }
  }

  /** Resolves when the connection is over; rejects when it could not be opened. */
  async #connect(opened: () => void): Promise<void> {
    const { servers, ca, host, token, source } = this.#options;
    const current = await token.current();
    const server = servers.current;
    const { url } = server;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = new WebSocket(webSocketUrl(url, `/v1/agents/${encodeURIComponent(host)}/serial`), {
      handshakeTimeout: CONNECT_MS,
      headers: { authorization: `Bearer ${current}` },
      ...(ca !== '' && { ca: readCertificates(ca) }),
    });
    this.#socket = socket;
    let silence = setTimeout(() => socket.terminate(), SILENCE_MS);
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(() => socket.terminate(), SILENCE_MS);
    };
    const end = new HostEnd(
      { send: frame => socket.send(frame, () => {}), buffered: () => socket.bufferedAmount },
      source,
    );
    socket.on('open', () => {
      opened();
      heard();
    });
    socket.on('ping', heard);
    socket.on('message', (data: RawData) => {
      heard();
      end.receive(data as Buffer);
    });
    socket.on('unexpected-response', (request, answer) => {
      request.destroy();
      if (answer.statusCode === 401) void token.after(current).catch(() => {});
      const reason = `the serial lines are not taken now: the answer is ${answer.statusCode}`;
      reject(new CoaxError('COAX_SERVER_UNREACHABLE', reason, { where: url }));
    });
    socket.on('error', error => {
      // Refused before it was open: reports and claims will say the same, and this does not wait for them.
      if (socket.readyState === WebSocket.CONNECTING || socket.readyState === WebSocket.CLOSING)
        servers.leave(server);
      reject(unreachable(url, error));
    });
    socket.on('close', () => {
      clearTimeout(silence);
      end.close();
      resolve();
    });
    await promise;
  }
}
