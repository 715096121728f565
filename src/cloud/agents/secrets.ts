import { hash, randomBytes } from 'node:crypto';

/** What the text of each token begins with, so that a token is known for what it is where it turns up. */
export const JOIN_PREFIX = 'coax_join_';
export const SESSION_PREFIX = 'coax_host_';

/** 256 random bits that nobody guesses. */
export const newToken = (prefix: string): string => prefix + randomBytes(32).toString('base64url');

/** What is kept of a token. It needs no salt: what it is the hash of is random. */
export const hashOf = (token: string): string => hash('sha256', token);
