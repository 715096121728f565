import type { SessionMade } from '../../api/access/identity.ts';
import type { TokenSource } from '../../client/transport.ts';
import { CoaxError, isCoaxError } from '../../errors/coax-error.ts';
import {
  changeContexts,
  contextNamed,
  type Login,
  type Renewal,
  readContexts,
  type ServerContext,
} from './contexts.ts';
import type { ProviderLogin } from './provider.ts';

/** A session is renewed so long before its end, so that none ends on its way. */
const EARLY_MS = 30_000;

/**
 * What a context opens its server with. A login that is over is renewed at the provider, by one process at a time, and kept.
 * Errors: COAX_LOGIN_EXPIRED when it cannot be; COAX_LOGIN_UNAVAILABLE when the provider is away.
 */
export class LoginSource implements TokenSource {
  readonly #name: string;
  readonly #now: () => number;
  #asked: Promise<string> | null = null;

  constructor(name: string, now: () => number = Date.now) {
    this.#name = name;
    this.#now = now;
  }

  async current(): Promise<string> {
    const login = this.#read();
    return this.#isFresh(login) ? textOf(login) : this.#renewed(textOf(login));
  }

  async after(refused: string): Promise<string> {
    return this.#renewed(refused);
  }

  #read(): Login {
    const { login } = contextNamed(this.#name, readContexts());
    if (login !== null) return login;
    throw new CoaxError('COAX_LOGIN_EXPIRED', `nobody is logged in to ${this.#name}`, {
      hint: `\`coax login --name ${this.#name}\``,
    });
  }

  #isFresh(login: Login): boolean {
    return login.kind === 'token' || Date.parse(login.expires) - EARLY_MS > this.#now();
  }

  #renewed(old: string): Promise<string> {
    this.#asked ??= this.#renew(old).finally(() => {
      this.#asked = null;
    });
    return this.#asked;
  }

  async #renew(old: string): Promise<string> {
    let fault: unknown = null;
    const { contexts } = await changeContexts(async before => {
      const context = contextNamed(this.#name, before);
      const { login } = context;
      if (login === null) throw this.#over(context, 'nobody is logged in any more');
      // Another process was faster.
      if (textOf(login) !== old && this.#isFresh(login)) return before;
      if (login.kind === 'token') throw this.#over(context, 'the token was revoked, or has expired');
      const given = await this.#atProvider(context, login);
      const renewal = { ...login.renewal!, refreshToken: given.refreshToken ?? login.renewal!.refreshToken };
      const next = await this.#exchanged(context, given, renewal).catch(error => {
        fault = error;
        // The provider may take the old one no more, so the new one is kept although the server did not answer.
        return { ...login, renewal };
      });
      return { ...before, contexts: { ...before.contexts, [this.#name]: { ...context, login: next } } };
    });
    if (fault !== null) throw fault;
    return textOf(contexts[this.#name]!.login!);
  }

  async #atProvider(context: ServerContext, login: Login & { kind: 'session' }): Promise<ProviderLogin> {
    const { renewal } = login;
    if (renewal === null) throw this.#over(context, `it was good until ${login.expires}`);
    const { Provider } = await import('./provider.ts');
    const provider = await Provider.find({ ...renewal, scopes: [] });
    const given = await provider.renew(renewal.refreshToken);
    if (given === null) throw this.#over(context, 'the provider does not renew it');
    return given;
  }

  async #exchanged(context: ServerContext, given: ProviderLogin, renewal: Renewal): Promise<Login> {
    try {
      return sessionLogin(await exchange(context.url, given, context.ca), renewal);
    } catch (error) {
      if (!isCoaxError(error, 'COAX_LOGIN_FAILED')) throw error;
      throw this.#over(context, error.reason);
    }
  }

  #over({ url, actor }: ServerContext, why: string): CoaxError {
    return new CoaxError('COAX_LOGIN_EXPIRED', `the login of ${actor} at ${this.#name} is over: ${why}`, {
      where: url,
      hint: `\`coax login --name ${this.#name}\``,
    });
  }
}

const textOf = (login: Login): string => (login.kind === 'token' ? login.token : login.session);

export function sessionLogin({ session, expires }: SessionMade, renewal: Renewal | null): Login {
  return { kind: 'session', session, expires, renewal };
}

/** Shows the server what the provider gave; it opens a session for it. */
export async function exchange(url: string, given: ProviderLogin, ca = ''): Promise<SessionMade> {
  const { Transport } = await import('../../client/transport.ts');
  const transport = new Transport({ url, token: '', ca });
  try {
    const { idToken, accessToken } = given;
    return await transport.json({ method: 'POST', path: '/auth/exchange', body: { idToken, accessToken } });
  } finally {
    transport.close();
  }
}
