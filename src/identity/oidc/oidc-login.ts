import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import * as openid from 'openid-client';
import { CoaxError, isCoaxError, textOf } from '../../errors/coax-error.ts';
import type { SessionProvider, SessionTimes } from '../login-sessions.ts';
import type { LoginTicket } from './login-ticket.ts';
import type { OidcSettings } from './oidc-file.ts';
import { type Claims, type Person, personOf } from './person.ts';

/** The provider answers within so long, or is away. */
const ANSWER_SECONDS = 10;
/** A login of a command line is shown at once; what lay about for longer is not taken. */
const NEW_SECONDS = 300;
const CLOCK_SECONDS = 60;

/** What a provider gave a command line. */
export interface ProviderTokens {
  readonly idToken: string;
  readonly accessToken: string;
}

/** Somebody who logged in, and what to ask by whether that still holds; null when the provider gave nothing for it. */
export interface LoggedIn extends Person {
  readonly refresh: string | null;
}

/**
 * Logins of people by a provider of OpenID Connect: the authorization code flow with PKCE, state and nonce (OpenID Connect
 * Core 1.0, 3.1; RFC 7636; RFC 9207). The provider is asked about itself at the first login, so that a server starts without.
 */
export class OidcLogin implements SessionProvider {
  readonly settings: OidcSettings;
  #known: Promise<openid.Configuration> | null = null;
  #keys: JWTVerifyGetKey | null = null;

  constructor(settings: OidcSettings) {
    this.settings = settings;
  }

  /** Where the person is sent. `back`: where the provider sends them then. Errors: COAX_LOGIN_UNAVAILABLE. */
  async begin(ticket: LoginTicket, back: string): Promise<string> {
    const provider = await this.#provider();
    const address = openid.buildAuthorizationUrl(provider, {
      redirect_uri: back,
      scope: this.settings.scopes.join(' '),
      state: ticket.state,
      nonce: ticket.nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(ticket.verifier),
      code_challenge_method: 'S256',
      // OpenID Connect Core 1.0, 11: without it the scope is ignored.
      ...(this.settings.scopes.includes('offline_access') && { prompt: 'consent' }),
    });
    return address.href;
  }

  /**
   * Who came back. `back`: as `begin` was given it; `answer`: the query that the provider sent them with. Errors:
   * COAX_LOGIN_FAILED, COAX_LOGIN_UNAVAILABLE.
   */
  async end(ticket: LoginTicket, back: string, answer: string): Promise<LoggedIn> {
    const given = new URLSearchParams(answer);
    if (given.get('state') !== ticket.state)
      throw new CoaxError('COAX_LOGIN_FAILED', 'that is not the login which this browser has begun');
    const provider = await this.#provider();
    if ((given.get('iss') ?? provider.serverMetadata().issuer) !== provider.serverMetadata().issuer)
      throw new CoaxError('COAX_LOGIN_FAILED', `the answer is not from ${this.settings.name}`);
    try {
      const tokens = await openid.authorizationCodeGrant(provider, new URL(`${back}?${answer}`), {
        pkceCodeVerifier: ticket.verifier,
        expectedState: ticket.state,
        expectedNonce: ticket.nonce,
        idTokenExpected: true,
      });
      const signed = tokens.claims() as Claims;
      const person = await this.#person(provider, tokens.access_token, signed);
      return { ...person, refresh: refreshOf(signed.sub, tokens.refresh_token) };
    } catch (cause) {
      throw isCoaxError(cause) ? cause : this.#failure(cause);
    }
  }

  get times(): SessionTimes {
    return this.settings.sessions;
  }

  /**
   * Who somebody is now who logged in before (OpenID Connect Core 1.0, 12); null when the provider says that the login is over, or
   * of whom nobody here can be made any more. `refresh`: as `end`, or this the last time, gave it. Errors: COAX_LOGIN_UNAVAILABLE,
   * COAX_LOGIN_FAILED.
   */
  async again(refresh: string): Promise<LoggedIn | null> {
    const { sub, token } = JSON.parse(refresh) as { sub: string; token: string };
    const provider = await this.#provider();
    try {
      const tokens = await openid.refreshTokenGrant(provider, token);
      const signed = (tokens.claims() ?? { sub }) as Claims;
      if (signed.sub !== sub) return null;
      const person = await this.#person(provider, tokens.access_token, signed);
      return { ...person, refresh: refreshOf(sub, tokens.refresh_token ?? token) };
    } catch (cause) {
      if (cause instanceof openid.ResponseBodyError && cause.error === 'invalid_grant') return null;
      if (isCoaxError(cause, 'COAX_LOGIN_FAILED')) return null;
      throw isCoaxError(cause) ? cause : this.#failure(cause);
    }
  }

  /** The ID token's word counts before that of the other place. */
  async #person(provider: openid.Configuration, accessToken: string, signed: Claims): Promise<Person> {
    const more =
      provider.serverMetadata().userinfo_endpoint === undefined
        ? {}
        : await openid.fetchUserInfo(provider, accessToken, signed.sub);
    return personOf({ ...more, ...signed }, this.settings);
  }

  /**
   * Whom a login at the provider stands for that a command line made, as the client that it is there. The ID token must be new
   * (OpenID Connect Core 1.0, 3.1.3.7); the access token is for what the provider says of them elsewhere. Errors:
   * COAX_LOGIN_FAILED, COAX_LOGIN_UNAVAILABLE.
   */
  async accept({ idToken, accessToken }: ProviderTokens): Promise<Person> {
    const { cliClientId, name } = this.settings;
    if (cliClientId === null)
      throw new CoaxError('COAX_LOGIN_FAILED', `command lines do not log in by ${name} here`, {
        hint: 'Log in with a token; an admin names a client of command lines in the file of `coax up --oidc` (cliClientId).',
      });
    const provider = await this.#provider();
    try {
      const { issuer, jwks_uri, userinfo_endpoint } = provider.serverMetadata();
      this.#keys ??= createRemoteJWKSet(new URL(jwks_uri!), { timeoutDuration: ANSWER_SECONDS * 1000 });
      const { payload } = await jwtVerify(idToken, this.#keys, {
        issuer,
        audience: cliClientId,
        maxTokenAge: NEW_SECONDS,
        clockTolerance: CLOCK_SECONDS,
        requiredClaims: ['sub', 'exp'],
      });
      if (payload.azp !== undefined && payload.azp !== cliClientId)
        throw new CoaxError('COAX_LOGIN_FAILED', `what ${name} says was said to another program`);
      const more =
        userinfo_endpoint === undefined
          ? {}
          : await openid.fetchUserInfo(provider, accessToken, payload.sub!);
      return personOf({ ...more, ...payload } as Claims, this.settings);
    } catch (cause) {
      throw isCoaxError(cause) ? cause : this.#failure(cause);
    }
  }

  async #provider(): Promise<openid.Configuration> {
    this.#known ??= this.#discover();
    const asked = this.#known;
    try {
      return await asked;
    } catch (cause) {
      // Asked again by the next one.
      if (this.#known === asked) this.#known = null;
      throw this.#failure(cause);
    }
  }

  #discover(): Promise<openid.Configuration> {
    const { issuer, clientId, clientSecret, clientAuth } = this.settings;
    const secretBy = clientAuth === 'post' ? openid.ClientSecretPost : openid.ClientSecretBasic;
    const address = new URL(issuer);
    return openid.discovery(
      address,
      clientId,
      undefined,
      clientSecret === null ? openid.None() : secretBy(clientSecret),
      {
        timeout: ANSWER_SECONDS,
        execute: [
          // Of an issuer without TLS the settings allow only one on this machine.
          ...(address.protocol === 'http:' ? [openid.allowInsecureRequests] : []),
          // The signature of the ID token is verified too, though it comes from the provider itself.
          openid.enableNonRepudiationChecks,
        ],
      },
    );
  }

  /** In plain words; nothing that a stranger wrote into the address is repeated, save a code of the standard's form. */
  #failure(cause: unknown): CoaxError {
    const { name } = this.settings;
    if (cause instanceof openid.AuthorizationResponseError) {
      const code = /^[a-z_]{1,40}$/.test(cause.error) ? ` (${cause.error})` : '';
      return new CoaxError('COAX_LOGIN_FAILED', `${name} did not let you in${code}`, { cause });
    }
    if (cause instanceof openid.ResponseBodyError && cause.error === 'invalid_grant')
      return new CoaxError(
        'COAX_LOGIN_FAILED',
        `${name} says that this login was used already or is too old`,
        {
          cause,
        },
      );
    if (cause instanceof openid.ResponseBodyError)
      return new CoaxError('COAX_LOGIN_UNAVAILABLE', `${name} does not accept this server: ${cause.error}`, {
        cause,
      });
    if (
      cause instanceof errors.JWTExpired ||
      (cause instanceof errors.JWTClaimValidationFailed && cause.claim === 'iat')
    )
      return new CoaxError('COAX_LOGIN_FAILED', `what ${name} says of you is too old; or clocks differ`, {
        cause,
      });
    if (
      cause instanceof errors.JOSEError &&
      !(cause instanceof errors.JWKSTimeout) &&
      cause.code !== 'ERR_JOSE_GENERIC'
    )
      return new CoaxError('COAX_LOGIN_FAILED', `that is no login by ${name} for this server`, { cause });
    if (cause instanceof openid.WWWAuthenticateChallengeError)
      return new CoaxError('COAX_LOGIN_FAILED', `${name} does not tell this server who you are`, { cause });
    if (cause instanceof openid.ClientError && cause.code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED')
      return new CoaxError('COAX_LOGIN_FAILED', `what ${name} says of you has expired; or clocks differ`, {
        cause,
      });
    // Of a connection that fails, fetch tells why in the error beneath.
    const beneath = cause instanceof TypeError ? (cause.cause ?? cause) : cause;
    const reason = `${name} does not answer as it should: ${textOf(beneath)}`;
    return new CoaxError('COAX_LOGIN_UNAVAILABLE', reason, { cause });
  }
}

const refreshOf = (sub: string, token: string | undefined): string | null =>
  token === undefined ? null : JSON.stringify({ sub, token });
