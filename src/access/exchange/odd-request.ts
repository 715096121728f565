import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PROBLEM_TYPE } from '../../api/problem.ts';
import { CoaxError } from '../../errors/coax-error.ts';
import type { App } from '../app.ts';
import { problemOf, withStatus } from '../problem.ts';
import { newRequestId } from './request-id.ts';

/*
 * Requests that Node would answer by itself, with no body or with HTML. They are answered here as all others are.
 */

/**
 * Options of Node's server. An offer to go on in another protocol is taken for WebSocket alone, and else not heeded, as RFC 9110
 * (7.8) allows: several clients offer h2c with every request over plain HTTP. A missing Host is seen to by `refuseOddRequests`.
 */
export const ODD_REQUESTS = {
  shouldUpgradeCallback: ({ headers }: IncomingMessage) =>
    headers.upgrade?.trim().toLowerCase() === 'websocket',
  requireHostHeader: false,
} as const;

/**
 * Refuses what has no Host though it is HTTP/1.1, or more than one (RFC 9112, 3.2): of two Node takes the first, where a proxy may
 * have gone by the last. And what expects something else than to go on.
 */
export function refuseOddRequests(app: App): void {
  app.addHook('onRequest', ({ raw }, _reply, done) => {
    const hosts = countHosts(raw.rawHeaders);
    if (hosts === 1 || (hosts === 0 && raw.httpVersion !== '1.1')) return done();
    const reason = `the request has ${hosts === 0 ? 'no' : 'more than one'} Host header`;
    done(new CoaxError('COAX_MESSAGE_INVALID', reason, { where: 'Host' }));
  });
  app.server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const reason = 'nothing is expected of this server but 100-continue';
    const error = withStatus(new CoaxError('COAX_MESSAGE_INVALID', reason, { where: 'Expect' }), 417);
    const body = JSON.stringify(problemOf(error, newRequestId()));
    const length = Buffer.byteLength(body);
    // What comes after its head is not read.
    response.writeHead(417, { 'content-type': PROBLEM_TYPE, 'content-length': length, connection: 'close' });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
}

/** `headers`: names and values in turn, as they came. */
function countHosts(headers: readonly string[]): number {
  let hosts = 0;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts;
}

/** What is no HTTP at all, or has too many headers, never reaches a route. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return void socket.destroy();
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const status = tooLarge
    ? '431 Request Header Fields Too Large'
    : late
      ? '408 Request Timeout'
      : '400 Bad Request';
  const reason = tooLarge
    ? 'the headers are too large'
    : late
      ? 'the request came too slowly'
      : 'that is not HTTP';
  const problem = problemOf(new CoaxError('COAX_MESSAGE_INVALID', reason), newRequestId());
  const body = JSON.stringify({ ...problem, status: Number(status.slice(0, 3)) });
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
