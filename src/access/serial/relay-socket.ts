import { WebSocket } from 'ws';
import type { SerialHolder } from '../../cloud/serial/serial-holders.ts';
import { CoaxError } from '../../errors/coax-error.ts';

/** The WebSocket subprotocol; the ticket travels beside it, so that no token stands in a URL. */
export const SERIAL_PROTOCOL = 'coax.serial';
export const TICKET_PREFIX = 'coax.ticket.';

const CONNECT_MS = 5000;
/** While more than this waits to be sent on, the side that it comes from is not read. */
const WAITING_BYTES_MAX = 256 * 1024;

/** Opens the serial line of a VM at the server that reaches it. Errors: COAX_HYPERVISOR when that does not answer. */
export async function openAtServer(
  { server, url }: SerialHolder,
  vm: string,
  ticket: string,
  query: string,
): Promise<WebSocket> {
  const path = `/v1/vms/${encodeURIComponent(vm)}/serial?${query}`;
  const address = url.startsWith('unix:')
    ? `ws+unix:${url.slice('unix:'.length)}:${path}`
    : url.replace(/^http/, 'ws').replace(/\/$/, '') + path;
  const socket = new WebSocket(address, [SERIAL_PROTOCOL, TICKET_PREFIX + ticket], {
    handshakeTimeout: CONNECT_MS,
  });
  // What the other end says at once waits for whoever reads it.
  socket.once('open', () => socket.pause());
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', cause => {
      socket.terminate();
      const hint = `Say by \`coax up --peer-url\` there where other servers reach ${server}.`;
      const reason = `its host is reached from server ${server}, and ${url} does not open it here`;
      reject(new CoaxError('COAX_HYPERVISOR', reason, { where: vm, hint, cause }));
    });
  });
  return socket;
}

/** Everything that comes from one goes to the other, no faster than that takes it; when one ends, so does the other. */
export function join(a: WebSocket, b: WebSocket): void {
  pass(a, b);
  pass(b, a);
  a.resume();
  b.resume();
}

function pass(from: WebSocket, to: WebSocket): void {
  from.on('message', (data, binary) => {
    to.send(data as Buffer, { binary }, () => {
      if (from.isPaused && to.bufferedAmount <= WAITING_BYTES_MAX / 2) from.resume();
    });
    if (to.bufferedAmount > WAITING_BYTES_MAX) from.pause();
  });
  from.on('error', () => to.terminate());
  from.on('close', (code, reason) => {
    // 1005 and 1006 say that none was given, and may not be sent.
    if (code === 1005 || code === 1006) to.close(code === 1006 ? 1011 : 1000);
    else to.close(code, reason);
  });
}

/** What the VM's console showed last, as the server knows it that reaches the VM. Errors: COAX_HYPERVISOR. */
export async function tailAtServer(
  holder: SerialHolder,
  vm: string,
  ticket: string,
  bytes: number,
): Promise<string> {
  const socket = await openAtServer(holder, vm, ticket, `follow=false&scrollback=${bytes}`);
  const chunks: Buffer[] = [];
  socket.on('message', data => chunks.push(data as Buffer));
  socket.on('error', () => socket.terminate());
  socket.resume();
  await new Promise<void>(resolve => socket.once('close', () => resolve()));
  return Buffer.concat(chunks).toString();
}
