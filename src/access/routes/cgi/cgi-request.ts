import type { FastifyRequest } from 'fastify';
import type { CgiRequest } from '../../../cgi/meta-variables.ts';
import type { ScriptPath } from '../../../cgi/script-path.ts';

export const CGI_PREFIX = '/cgi-bin';
const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$/;

/** A request's target, cut where a script's name begins and where its query does; all still encoded. */
export interface Target {
  readonly whole: string;
  /** After /cgi-bin, beginning with a slash. */
  readonly path: string;
  readonly query: string;
}

/** Null if it does not lie below /cgi-bin/. */
export function targetOf(url: string): Target | null {
  // RFC 9112, 3.2.2: the absolute form is to be understood, too.
  const whole = url.replace(/^https?:\/\/[^/?]*/i, '');
  const mark = whole.indexOf('?');
  const path = mark < 0 ? whole : whole.slice(0, mark);
  if (!path.startsWith(`${CGI_PREFIX}/`)) return null;
  return { whole, path: path.slice(CGI_PREFIX.length), query: mark < 0 ? '' : whole.slice(mark + 1) };
}

/** What a script is told of a request. */
export function cgiRequestOf(
  request: FastifyRequest,
  given: {
    readonly method: string;
    readonly target: Target;
    readonly script: ScriptPath;
    readonly bodyBytes: number | null;
    readonly version: string;
  },
): CgiRequest {
  const { raw, protocol } = request;
  const { socket } = raw;
  const { target, script } = given;
  const scheme = protocol === 'https' ? 'https' : 'http';
  const address = plainAddress(socket.localAddress) ?? '127.0.0.1';
  return {
    method: given.method,
    target: target.whole,
    httpVersion: raw.httpVersion,
    rawHeaders: raw.rawHeaders,
    bodyBytes: given.bodyBytes,
    scriptName: `${CGI_PREFIX}/${script.name}`,
    pathInfo: script.pathInfo,
    query: target.query,
    server: {
      name: HOST.test(request.hostname ?? '') ? request.hostname : address,
      // Where a proxy does TLS, the port is the proxy's.
      port: scheme === 'https' ? (request.port ?? 443) : (socket.localPort ?? 80),
      address,
      scheme,
      software: `Coax/${given.version}`,
    },
    remote: { address: plainAddress(request.ip) ?? '127.0.0.1', port: socket.remotePort ?? null },
    user: request.actor === '' ? null : { name: request.actor, scheme: 'Bearer' },
  };
}

/** An IPv4 address that came by a socket of both families is told as what it is; null over a Unix socket. */
function plainAddress(address: string | undefined): string | null {
  return address ? address.replace(/^::ffff:(?=\d+\.)/i, '') : null;
}
