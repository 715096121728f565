import * as openid from 'openid-client';
import { CoaxError, isCoaxError, textOf } from '../../errors/coax-error.ts';
import type { LoginTicket } from './login-ticket.ts';
import type { OidcSettings } from './oidc-file.ts';
import { type Claims, type Person, personOf } from './person.ts';

/** The provider answers within so long, or is away. */
const ANSWER_SECONDS = 10;

/**
 * Logins of people by a provider of OpenID Connect: the authorization code flow with PKCE, state and nonce (OpenID Connect
 * Core 1.0, 3.1; RFC 7636; RFC 9207). The provider is asked about itself at the first login, so that a server starts without.
 */
export class OidcLogin {
  readonly settings: OidcSettings;
  #known: Promise<openid.Configuration> | null = null;

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
    });
    return address.href;
  }

  /**
   * Who came back. `back`: as `begin` was given it; `answer`: the query that the provider sent them with. Errors:
   * COAX_LOGIN_FAILED, COAX_LOGIN_UNAVAILABLE.
   */
  async end(ticket: LoginTicket, back: string, answer: string): Promise<Person> {
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
      const more =
        provider.serverMetadata().userinfo_endpoint === undefined
          ? {}
          : await openid.fetchUserInfo(provider, tokens.access_token, signed.sub);
      return personOf({ ...more, ...signed }, this.settings);
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
