import { lstatSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { CoaxError } from '../errors/coax-error.ts';

export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'descriptor'; readonly fd: number };

const HINT = 'For example 127.0.0.1:7411, [::1]:7411, 127.0.0.1:0 (any free port) or unix:/run/coax/api.sock';

/**
 * Reads `HOST:PORT`, `[IPv6]:PORT`, `unix:/path`, or `fd:N`, a socket that listens already. Without TLS a token may only travel inside this machine, so an
 * address elsewhere is refused unless `allowRemote` says that a proxy in front does TLS. Errors: COAX_USAGE.
 */
export function parseListenAddress(text: string, allowRemote: boolean): ListenAddress {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    // 107 bytes is what sun_path of unix(7) takes.
    if (!path.startsWith('/') || Buffer.byteLength(path) > 107) {
      throw refuse(text, 'a Unix socket needs an absolute path of at most 107 bytes');
    }
    return { kind: 'unix', path };
  }
  const descriptor = /^fd:(\d{1,4})$/.exec(text);
  if (descriptor) return { kind: 'descriptor', fd: Number(descriptor[1]) };
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) throw refuse(text, 'not an address to listen on');
  const host = match[1] ?? (match[2] || '127.0.0.1');
  if (!allowRemote) refuseRemote(text, host);
  return { kind: 'tcp', host, port };
}

/** Errors: COAX_USAGE for a host that is not this machine alone. */
export function refuseRemote(where: string, host: string): void {
  if (isLoopback(host)) return;
  throw refuse(where, 'not a loopback address, and a token must not cross a network without TLS', {
    hint: 'Put a proxy with TLS before it and say --allow-remote, or listen on 127.0.0.1.',
  });
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/** Removes a socket file that no server listens on any more. Errors: COAX_STORE_LOCKED when one does. */
export async function clearSocket(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw refuse(`unix:${path}`, 'there is a file that is not a socket');
  if (await answers(path)) throw refuse(`unix:${path}`, 'another server listens there');
  rmSync(path, { force: true });
}

function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.on('connect', () => resolve(true));
  socket.on('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}

function refuse(where: string, reason: string, more: { hint: string } = { hint: HINT }): CoaxError {
  return new CoaxError('COAX_USAGE', `${where}: ${reason}`, { where, ...more });
}
