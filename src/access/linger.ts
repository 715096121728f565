import type { Server as HttpServer } from 'node:http';
import { Server } from 'node:net';

const LOOK_MS = 50;

/**
 * Takes no new connection from now on, and waits until those that there are have gone, `ms` at most. They are not closed
 * here: whoever keeps one open may be sending a request on it this very moment, and could not know whether it arrived. A
 * proxy closes what it does not use, and goes elsewhere when a connection is refused.
 */
export async function linger(server: HttpServer, ms: number): Promise<void> {
  const closed = new Promise<void>(resolve => server.once('close', resolve));
  // That of HTTP would close the idle connections, too.
  Server.prototype.close.call(server);
  // Closing a second time would wait for an event that may have been.
  server.close = callback => {
    server.closeIdleConnections();
    void closed.then(() => callback?.());
    return server;
  };
  const until = performance.now() + ms;
  while (performance.now() < until && (await connectionsOf(server)) > 0)
    await new Promise(resolve => setTimeout(resolve, LOOK_MS));
}

function connectionsOf(server: HttpServer): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
}
