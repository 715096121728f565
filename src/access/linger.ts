import type { Server as HttpServer } from 'node:http';
import { Server } from 'node:net';
import { beginNoConnections, connectionsQueued } from '../linux/daemon/refuse-connections.ts';

const LOOK_MS = 50;

/**
 * Takes no new connection from now on, and waits until those that there are have gone, `ms` at most. They are not closed
 * here: whoever keeps one open may be sending a request on it this very moment, and could not know whether it arrived. A
 * proxy closes what it does not use, and goes elsewhere when a connection is refused. `ownsSocket`: nobody else listens on it.
 */
export async function linger(server: HttpServer, ms: number, ownsSocket: boolean): Promise<void> {
  const until = performance.now() + ms;
  const closed = new Promise<void>(resolve => server.once('close', resolve));
  if (ownsSocket) await takeQueued(server, until);
  // That of HTTP would close the idle connections, too.
  Server.prototype.close.call(server);
  // Closing a second time would wait for an event that may have been.
  server.close = callback => {
    server.closeIdleConnections();
    void closed.then(() => callback?.());
    return server;
  };
  while (performance.now() < until && (await connectionsOf(server)) > 0)
    await new Promise(resolve => setTimeout(resolve, LOOK_MS));
}

/**
 * Accepts the connections that have begun, and lets no other begin. Those that still wait when a socket is closed are reset, and
 * with them requests that were sent already: a proxy must not send these again.
 */
async function takeQueued(server: HttpServer, until: number): Promise<void> {
  const { fd } = (server as unknown as { _handle?: { fd?: number } })._handle ?? {};
  if (fd === undefined || fd < 0) return;
  try {
    beginNoConnections(fd);
    // Once in any case: a handshake may be under way.
    do await new Promise(resolve => setTimeout(resolve, LOOK_MS));
    while (connectionsQueued(fd) > 0 && performance.now() < until);
  } catch {
    // Where a system does not allow it, the queue is short all the same.
  }
}

function connectionsOf(server: HttpServer): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
}
