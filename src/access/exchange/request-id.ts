import { randomFillSync } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What comes from outside and goes into logs and headers: nothing that could be taken for more than a name. */
const SANE = /^[A-Za-z0-9._-]{1,64}$/;

/** The id of a request: the sender's `X-Request-Id` when it is sane, else one of our own. */
export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && SANE.test(given) ? given : newRequestId();
}

const ID_BYTES = 8;
/** Asking the system for chance costs more than the rest of a small request: it is asked for many ids at once. */
const chance = Buffer.alloc(256 * ID_BYTES);
let used = chance.length;

export function newRequestId(): string {
  if (used === chance.length) {
    randomFillSync(chance);
    used = 0;
  }
  used += ID_BYTES;
  return `r-${chance.toString('hex', used - ID_BYTES, used)}`;
}
