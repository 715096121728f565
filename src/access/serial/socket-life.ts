import type { WebSocket } from 'ws';
import type { Watcher } from '../../serial/shared-line.ts';

/** Proxies cut what is silent for a minute. */
const PING_MS = 25_000;
/** RFC 6455: a reason has at most 123 bytes. */
const REASON_BYTES_MAX = 123;
/** RFC 6455, registered: the service restarts; come again. */
const RESTART = 1012;

/** Closes a WebSocket, with as much of the reason as may be sent. */
export function closeWith(socket: WebSocket, code: number, reason: string): void {
  let text = Buffer.from(reason).subarray(0, REASON_BYTES_MAX).toString();
  if (text.endsWith('\ufffd')) text = text.slice(0, -1);
  socket.close(code, text);
}

/** Asks now and then whether the other end is there, and cuts it off when it is not; closes it with the server. */
export function keepAlive(socket: WebSocket, closing: AbortSignal): void {
  let answered = true;
  const timer = setInterval(() => {
    if (!answered) return socket.terminate();
    answered = false;
    socket.ping();
  }, PING_MS).unref();
  const end = () => closeWith(socket, RESTART, 'the server closes');
  socket.on('pong', () => {
    answered = true;
  });
  socket.on('close', () => {
    clearInterval(timer);
    closing.removeEventListener('abort', end);
  });
  // A close follows.
  socket.on('error', () => {});
  closing.addEventListener('abort', end);
  if (closing.aborted) end();
}

/** A WebSocket that watches a line: bytes as binary frames, news as JSON in text frames. */
export function watcherOn(socket: WebSocket): Watcher {
  return {
    send: (bytes, sent) =>
      socket.send(bytes, { binary: true }, error => {
        if (!error) sent();
      }),
    tell: news => socket.send(JSON.stringify(news), { binary: false }, () => {}),
    end: reason => closeWith(socket, 1000, reason),
  };
}
