import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** Above the ports that programs have of old; a browser opens each of them. */
const FIRST = 10_240;

/**
 * A port of 127.0.0.1 that nobody listens on now. It is none of those that Linux gives to whoever asks for any (ip_local_port_range,
 * ip(7)), so that no other program gets it before it is listened on, or while a server that had it is being started anew.
 */
export async function freePort(): Promise<number> {
  const [end] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1').split(/\s+/).map(Number);
  for (;;) {
    const port = randomInt(FIRST, Math.max(end!, FIRST + 10_000));
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
