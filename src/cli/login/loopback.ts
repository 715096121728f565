import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CoaxError } from '../../errors/coax-error.ts';

const PATH = '/callback';

/** A server on a free port of this machine's loopback that waits for a browser to come back from the provider (RFC 8252, 7.3). */
export interface Loopback extends AsyncDisposable {
  readonly url: string;
  /**
   * What `take` makes of the address that the browser came back with. Whoever comes without the state of this login is sent
   * away, and it goes on. Errors: COAX_LOGIN_FAILED when nobody comes within `waitMs`, and what `take` throws.
   */
  answer<T>(state: string, waitMs: number, take: (back: URL) => Promise<T>): Promise<T>;
}

export async function listenOnLoopback(): Promise<Loopback> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`;
  return {
    url,
    answer: <T>(state: string, waitMs: number, take: (back: URL) => Promise<T>) => {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      const timer = setTimeout(() => {
        reject(new CoaxError('COAX_LOGIN_FAILED', `nobody logged in within ${waitMs / 60_000} minutes`));
      }, waitMs);
      let isTaken = false;
      server.on('request', (request, response) => {
        const back = new URL(request.url ?? '/', url);
        if (back.pathname !== PATH || back.searchParams.get('state') !== state || isTaken) {
          page(response, 404, 'This is not the end of a login.');
          return;
        }
        isTaken = true;
        take(back).then(
          taken => {
            page(response, 200, 'You are logged in. Go back to the terminal; this window may be closed.');
            resolve(taken);
          },
          error => {
            page(response, 400, 'The login failed. The terminal says why; this window may be closed.');
            reject(error);
          },
        );
      });
      return promise.finally(() => clearTimeout(timer));
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeIdleConnections();
      await once(server, 'close');
    },
  };
}

/** A page of a few words that runs nothing; the connection ends with it. */
export function page(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    connection: 'close',
  });
  response.end(
    `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Coax</title>
<style>:root{color-scheme:light dark}body{font:1.1rem system-ui;margin:20vh auto;max-width:32rem;padding:0 1rem}</style>
<h1>Coax</h1><p>${text}</p></html>\n`,
  );
}
