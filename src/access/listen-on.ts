import { chmodSync, rmSync } from 'node:fs';
import { CoaxError } from '../errors/coax-error.ts';
import type { App } from './app.ts';
import { clearSocket, parseListenAddress, refuseRemote } from './listen-address.ts';

/** Of a server that answers little, as of one for health alone. */
const CONNECTIONS_MAX = 10_000;

/** Connections that the system may keep until they are taken; it takes its own bound where that is lower. */
const BACKLOG = 4096;

/** Something that listens. */
export interface AccessServer {
  /** Where it listens: `http://127.0.0.1:PORT` or `unix:/path`. */
  readonly url: string;
  /**
   * Lets held requests go and takes no new connection; resolves when those that there are have gone, or after `ms`. Until
   * `close` it answers what comes on them.
   */
  leave(ms: number): Promise<void>;
  /** Lets held requests go, answers what is under way, then closes. Safe to repeat. */
  close(): Promise<void>;
}

/** What ends an application: at once, or after those who use it have gone. */
export interface AppEnds {
  readonly stop: () => Promise<void>;
  /** `ownsSocket`: a TCP socket that nobody else listens on. */
  readonly leave: (ms: number, ownsSocket: boolean) => Promise<void>;
}

/** Binds an application; `stop` is what closes it. Errors: COAX_USAGE for an address that cannot be listened on. */
export async function listenOn(
  app: App,
  listen: string,
  allowRemote: boolean,
  { stop, leave: leaveSocket }: AppEnds,
  connectionsMax = CONNECTIONS_MAX,
): Promise<AccessServer> {
  let closed: Promise<void> | null = null;
  const leave = (ms: number): Promise<void> => leaveSocket(ms, false);
  try {
    const address = parseListenAddress(listen, allowRemote);
    if (address.kind === 'unix') {
      const { path } = address;
      await clearSocket(path);
      await app.listen({ path, backlog: BACKLOG });
      // A proxy of the same group may use it; the token is asked for all the same.
      chmodSync(path, 0o660);
      const close = (): Promise<void> => stop().then(() => rmSync(path, { force: true }));
      return { url: `unix:${path}`, leave, close: () => (closed ??= close()) };
    }
    if (address.kind === 'descriptor') {
      // A host is named so that Fastify looks up none; the socket has its address already.
      await app.listen({ fd: address.fd, host: '127.0.0.1', backlog: BACKLOG } as { host: string });
      app.server.maxConnections = connectionsMax;
      const at = app.server.address();
      if (at === null) throw new Error('it is no socket that listens');
      if (typeof at === 'string') return { url: `unix:${at}`, leave, close: () => (closed ??= stop()) };
      if (!allowRemote) refuseRemote(`${listen} (${at.address})`, at.address);
      return { url: urlOf(at.address, at.port), leave, close: () => (closed ??= stop()) };
    }
    await app.listen({ host: address.host, port: address.port, backlog: BACKLOG });
    app.server.maxConnections = connectionsMax;
    const bound = app.server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
    const leaveOwn = (ms: number): Promise<void> => leaveSocket(ms, true);
    return { url: urlOf(address.host, port), leave: leaveOwn, close: () => (closed ??= stop()) };
  } catch (cause) {
    await stop();
    if (cause instanceof CoaxError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CoaxError('COAX_USAGE', `cannot listen on ${listen}: ${reason}`, {
      where: listen,
      hint: 'Port 0 takes any free port: COAX_LISTEN=127.0.0.1:0',
      cause,
    });
  }
}

const urlOf = (host: string, port: number): string =>
  `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
