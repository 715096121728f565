import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ownerOfLoopbackClient } from '../../linux/procfs/socket-owner.ts';
import { page } from './loopback.ts';

/** A browser that is asked to open an address, without that standing in its arguments, which everybody here can read. */
export interface HandOver extends AsyncDisposable {
  /** What the browser is started with: it leads on, once, and only a browser of this user. */
  readonly url: string;
  /** True when the browser has come; false when it has not within `waitMs`. */
  came(waitMs: number): Promise<boolean>;
}

/**
 * Listens at 127.0.0.1 for the browser, and sends it on to `address`. Whose the connection is, the kernel says: another user of the
 * machine, who reads the address in the browser's arguments and is quicker, is told nothing.
 */
export async function handOver(address: string): Promise<HandOver> {
  const path = `/${randomBytes(16).toString('base64url')}`;
  const taken = Promise.withResolvers<true>();
  let isTaken = false;
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== path || isTaken)
      return page(response, 404, 'This address led on once, and leads nowhere now.');
    if (!isOwn(request))
      return page(response, 403, 'This address is for the user who asked for it, and you are another.');
    isTaken = true;
    leadOn(response, address);
    response.on('finish', () => taken.resolve(true));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    came: async waitMs => {
      const late = Promise.withResolvers<false>();
      const timer = setTimeout(() => late.resolve(false), waitMs);
      return Promise.race([taken.promise, late.promise]).finally(() => clearTimeout(timer));
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeIdleConnections();
      await once(server, 'close');
    },
  };
}

/** Root may read what it wants anyway. */
function isOwn({ socket: { localPort = 0, remotePort = 0 } }: IncomingMessage): boolean {
  const owner = ownerOfLoopbackClient(remotePort, localPort);
  return owner === 0 || (owner !== null && owner === process.getuid?.());
}

function leadOn(response: ServerResponse, address: string): void {
  response.writeHead(303, {
    location: address,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    connection: 'close',
  });
  response.end();
}
