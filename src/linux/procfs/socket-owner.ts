import { readFileSync } from 'node:fs';

/** Tables of TCP sockets: a socket of IPv6 may speak IPv4, too. */
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
/** 127.0.0.1 as the tables write it, at the end of an address of either kind, on little-endian machines. */
const LOOPBACK = '0100007F';
const ESTABLISHED = '01';

/**
 * User id of who has the client's end of a connection between two ports of 127.0.0.1; null when there is none that is still open. Only
 * the kernel writes what is read here. Source: proc_pid_net(5).
 */
export function ownerOfLoopbackClient(clientPort: number, serverPort: number): number | null {
  for (const table of TABLES) {
    let text: string;
    try {
      text = readFileSync(table, 'latin1');
    } catch {
      // A kernel without IPv6 has no such table.
      continue;
    }
    const owner = ownerIn(text, clientPort, serverPort);
    if (owner !== null) return owner;
  }
  return null;
}

export function ownerIn(table: string, clientPort: number, serverPort: number): number | null {
  const [client, server] = [endOf(clientPort), endOf(serverPort)];
  for (const line of table.split('\n')) {
    const [, local = '', remote = '', state, , , , uid] = line.trim().split(/\s+/);
    if (local.endsWith(client) && remote.endsWith(server) && state === ESTABLISHED) return Number(uid);
  }
  return null;
}

const endOf = (port: number): string => `${LOOPBACK}:${port.toString(16).toUpperCase().padStart(4, '0')}`;
