import { createHash, randomBytes } from 'node:crypto';
import { CoaxError } from '../../errors/coax-error.ts';

/** A person has so long to log in at the provider. */
export const LOGIN_MS = 10 * 60_000;
/** A way back is no longer than a cookie can hold. */
const WAY_BACK_MAX = 300;
const TICKET = /^([0-9a-z]{1,11})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{1,400})$/;

/**
 * One login under way, which the browser keeps in a cookie: so any server may end what another began, and who only asks for
 * logins fills no table. State, nonce and verifier are hashes of it: who sees one of them in an address learns no other.
 */
export class LoginTicket {
  readonly text: string;
  /** Path of the page to go to. */
  readonly to: string;
  readonly #until: number;

  private constructor(text: string, begun: number, to: string) {
    this.text = text;
    this.to = to;
    this.#until = begun + LOGIN_MS;
  }

  /** `now`: ms since 1970. */
  static issue(now: number, to: string): LoginTicket {
    const path = wayBack(to);
    const seed = randomBytes(32).toString('base64url');
    return new LoginTicket(
      `${now.toString(36)}.${seed}.${Buffer.from(path).toString('base64url')}`,
      now,
      path,
    );
  }

  /** Errors: COAX_LOGIN_FAILED when there is none, or it is too old. */
  static read(text: string | null, now: number): LoginTicket {
    const match = TICKET.exec(text ?? '');
    if (match === null)
      throw new CoaxError('COAX_LOGIN_FAILED', 'this browser has begun no login, or ended it already');
    const begun = Number.parseInt(match[1]!, 36);
    const ticket = new LoginTicket(match[0], begun, wayBack(Buffer.from(match[3]!, 'base64url').toString()));
    if (now >= ticket.#until || begun > now + LOGIN_MS)
      throw new CoaxError('COAX_LOGIN_FAILED', `the login took longer than ${LOGIN_MS / 60_000} minutes`);
    return ticket;
  }

  get state(): string {
    return this.#derived('state');
  }

  get nonce(): string {
    return this.#derived('nonce');
  }

  /** For PKCE (RFC 7636). */
  get verifier(): string {
    return this.#derived('verifier');
  }

  #derived(use: string): string {
    return createHash('sha256').update(`${use} ${this.text}`).digest('base64url');
  }
}

/** A path of this server and nothing else; whatever is another becomes the first page. */
function wayBack(to: string): string {
  if (to.length > WAY_BACK_MAX || !/^\/[\x21-\x7e]*$/.test(to) || to.includes('\\')) return '/';
  const base = 'http://here.invalid';
  const url = URL.parse(to, base);
  if (url === null || url.origin !== base || url.pathname.startsWith('//')) return '/';
  return url.pathname + url.search + url.hash;
}
