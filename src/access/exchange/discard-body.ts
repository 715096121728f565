import type { IncomingMessage } from 'node:http';

const BYTES_MAX = 64 * 1024 * 1024;
const WAIT_MS = 5000;

/**
 * Calls back once the rest of a body that nobody reads has come, or after 64 MiB or 5 s of it. A connection that is closed
 * while its client still sends is cut by the system, and the answer that was on its way is lost.
 */
export function discardBody(raw: IncomingMessage, then: () => void): void {
  if (raw.complete || raw.destroyed) {
    then();
    return;
  }
  let bytes = 0;
  const end = (): void => {
    clearTimeout(timer);
    raw.off('data', onData).off('end', end).off('close', end);
    then();
  };
  const onData = (piece: Buffer): void => {
    bytes += piece.length;
    if (bytes > BYTES_MAX) end();
  };
  const timer = setTimeout(end, WAIT_MS);
  raw.on('data', onData).once('end', end).once('close', end);
  raw.resume();
}
