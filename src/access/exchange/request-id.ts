import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What comes from outside and goes into logs and headers: nothing that could be taken for more than a name. */
const SANE = /^[A-Za-z0-9._-]{1,64}$/;

/** The id of a request: the sender's `X-Request-Id` when it is sane, else one of our own. */
export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && SANE.test(given) ? given : newRequestId();
}

export const newRequestId = (): string => `r-${randomBytes(8).toString('hex')}`;
