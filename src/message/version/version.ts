import { hash } from 'node:crypto';
import { CoaxError } from '../../errors/coax-error.ts';
import { canonical } from '../canonical.ts';

/** First digits of versions that a thing may have for a change to be made; any when undefined (`If-Match` of HTTP). */
export type Versions = readonly string[] | undefined;

/** What tells one state of a thing from another: SHA-256 (hex) of its canonical JSON, as a message has the hash of its last commit. */
export const versionOf = (state: unknown): string => hash('sha256', canonical(state));

/** Errors: COAX_CHANGED when the thing is in another state than those that are allowed, or is gone (null). */
export function assertUnchanged(state: unknown, allowed: Versions, what: string): void {
  if (allowed === undefined) return;
  const version = state === null ? '' : versionOf(state);
  if (allowed.some(digits => version.startsWith(digits))) return;
  throw new CoaxError('COAX_CHANGED', `${what} has changed since`, { where: what });
}
