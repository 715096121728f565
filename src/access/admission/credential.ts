import type { FastifyReply, FastifyRequest } from 'fastify';
import { CoaxError } from '../../errors/coax-error.ts';
import { bearerOf } from './token.ts';

/** What a request brings to be let in with. */
export interface Credential {
  readonly text: string;
  /** It came as a cookie, which a browser sends along whoever made it ask. */
  readonly cookie: boolean;
}

const COOKIE = 'coax_session';
const COOKIE_TLS = `__Host-${COOKIE}`;
/** A login under way. */
const LOGIN = 'coax_login';
const LOGIN_TLS = `__Host-${LOGIN}`;
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

type Headers = Pick<FastifyRequest, 'headers'>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Also a GET may do something there, as a CGI script does. */
    readonly acts?: boolean;
  }
}

/**
 * The bearer token, else the session's cookie. A cookie is taken for a request that changes something only if the browser
 * says that our own page asked (Fetch Metadata, else the Origin); where also a GET does something, unless it says that another one
 * did. Errors: COAX_FORBIDDEN.
 */
export function credentialOf(request: FastifyRequest): Credential | null {
  const token = bearerOf(request.headers.authorization);
  if (token !== null) return { text: token, cookie: false };
  const text = request.headers.authorization === undefined ? sessionCookie(request) : null;
  if (text === null) return null;
  if (!SAFE.has(request.method)) assertOwnPage(request);
  else if (request.routeOptions.config.acts) assertNoOtherPage(request);
  return { text, cookie: true };
}

export function sessionCookie(request: Headers): string | null {
  return cookieOf(request, COOKIE_TLS) ?? cookieOf(request, COOKIE);
}

/**
 * Errors: COAX_FORBIDDEN when a browser says that it was not our own page that asked. `program`: what says nothing at all is
 * no browser, and may ask.
 */
export function assertOwnPage({ headers }: Headers, program = false): void {
  if (program && headers.origin === undefined && headers['sec-fetch-site'] === undefined) return;
  const site = headers['sec-fetch-site'];
  const own = site === undefined ? originIsOwn(headers) : site === 'same-origin';
  if (!own) throw otherPage();
}

/** What a person typed, or a program asks, is let through too: neither names a page. Errors: COAX_FORBIDDEN. */
function assertNoOtherPage({ headers }: Headers): void {
  const { origin, 'sec-fetch-site': site = 'none' } = headers;
  const isOwn = site === 'none' ? origin === undefined || originIsOwn(headers) : site === 'same-origin';
  if (!isOwn) throw otherPage();
}

function otherPage(): CoaxError {
  return new CoaxError('COAX_FORBIDDEN', 'another page than the console asked in its name', {
    hint: 'Programs send a token: `Authorization: Bearer …`.',
  });
}

function originIsOwn({ origin, host }: FastifyRequest['headers']): boolean {
  return origin !== undefined && URL.parse(origin)?.host === host;
}

/** A value of the Cookie header (RFC 6265, 4.2). */
function cookieOf({ headers }: Headers, name: string): string | null {
  for (const pair of (headers.cookie ?? '').split(/; */)) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at) === name)
      return /^[A-Za-z0-9._~-]{1,512}$/.exec(pair.slice(at + 1))?.[0] ?? null;
  }
  return null;
}

/** No script reads it, and no other page's request carries it. `seconds` 0 ends it. */
export function setSessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  text: string,
  seconds: number,
): void {
  const tls = isTls(request);
  setCookie(reply, tls, `${tls ? COOKIE_TLS : COOKIE}=${text}`, seconds, 'Strict');
}

/** Of a login under way; null when there is none. */
export function loginCookie(request: FastifyRequest): string | null {
  return cookieOf(request, isTls(request) ? LOGIN_TLS : LOGIN);
}

/** No script reads it; the browser brings it along when the provider sends it back (SameSite=Lax). `seconds` 0 ends it. */
export function setLoginCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  text: string,
  seconds: number,
): void {
  const tls = isTls(request);
  setCookie(reply, tls, `${tls ? LOGIN_TLS : LOGIN}=${text}`, seconds, 'Lax');
}

function setCookie(
  reply: FastifyReply,
  tls: boolean,
  pair: string,
  seconds: number,
  sameSite: 'Strict' | 'Lax',
): void {
  const cookie = `${pair}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=${sameSite}`;
  reply.header('set-cookie', tls ? `${cookie}; Secure` : cookie).header('cache-control', 'no-store');
}

export function isTls({ headers, protocol }: Pick<FastifyRequest, 'headers' | 'protocol'>): boolean {
  return protocol === 'https' || headers['x-forwarded-proto'] === 'https';
}
