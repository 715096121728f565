import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** A host has so long to sign its challenge. The server's clock alone counts. */
export const CHALLENGE_MS = 60_000;

const RANDOM_BYTES = 24;

/**
 * A challenge that proves by itself who made it, for whom, and when: nothing is written for somebody who only asks. `now`
 * is the store's clock, so that any server on the store can check it.
 */
export function makeChallenge(key: string, host: string, now: number): string {
  const body = `${(now + CHALLENGE_MS).toString(36)}-${randomBytes(RANDOM_BYTES).toString('hex')}`;
  return `${body}-${sealOf(key, host, body)}`;
}

/** Until when that challenge of that host holds (ms since 1970); null when it is none of ours, another host's, or too old. */
export function readChallenge(key: string, host: string, nonce: string, now: number): number | null {
  const [, body = '', expires = '', seal = ''] =
    /^(([0-9a-z]{1,11})-[0-9a-f]{48})-([0-9a-f]{64})$/.exec(nonce) ?? [];
  const isOurs = timingSafeEqual(Buffer.from(sealOf(key, host, body)), Buffer.from(seal.padEnd(64, 'x')));
  const until = Number.parseInt(expires, 36);
  return isOurs && until >= now ? until : null;
}

const sealOf = (key: string, host: string, body: string): string =>
  createHmac('sha256', key).update(`coax agent challenge 1\n${host}\n${body}`).digest('hex');
