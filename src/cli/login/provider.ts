import * as openid from 'openid-client';
import type { OidcCli } from '../../api/access/identity.ts';
import { CoaxError, isCoaxError, textOf } from '../../errors/coax-error.ts';
import { listenOnLoopback } from './loopback.ts';

const ANSWER_SECONDS = 10;
/** A person has so long to log in in the browser. */
const LOGIN_MS = 10 * 60_000;
/** Asks for a refresh token (OpenID Connect Core 1.0, 11). */
const OFFLINE = 'offline_access';

/** What the provider gave: proof of who it is, and what renews it, if it gives that. */
export interface ProviderLogin {
  readonly idToken: string;
  readonly accessToken: string;
  readonly refreshToken: string | null;
}

/** Told to the person: where to go, and the code that must stand there; null when there is none. */
export type Tell = (address: string, code: string | null) => void;

/**
 * A provider of OpenID Connect, as a command line logs a person in by it: a public client without a secret.
 * Errors of all: COAX_LOGIN_FAILED, COAX_LOGIN_UNAVAILABLE.
 */
export class Provider {
  readonly #config: openid.Configuration;
  readonly #scope: string;
  readonly #name: string;

  private constructor(config: openid.Configuration, scopes: readonly string[]) {
    this.#config = config;
    const { issuer, scopes_supported = [] } = config.serverMetadata();
    this.#name = new URL(issuer).host;
    const offline = scopes_supported.includes(OFFLINE) ? [OFFLINE] : [];
    this.#scope = [...new Set([...scopes, ...offline])].join(' ');
  }

  static async find({ issuer, clientId, scopes }: OidcCli): Promise<Provider> {
    const address = new URL(issuer);
    const isHere = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(address.hostname);
    if (address.protocol !== 'https:' && !isHere)
      throw new CoaxError('COAX_LOGIN_UNAVAILABLE', `the provider ${issuer} is not protected by TLS`);
    try {
      const config = await openid.discovery(address, clientId, undefined, openid.None(), {
        timeout: ANSWER_SECONDS,
        execute: [
          ...(address.protocol === 'http:' ? [openid.allowInsecureRequests] : []),
          openid.enableNonRepudiationChecks,
        ],
      });
      return new Provider(config, scopes);
    } catch (cause) {
      throw failure(address.host, cause);
    }
  }

  /** Does it have the device authorization grant (RFC 8628)? */
  get hasDevices(): boolean {
    return this.#config.serverMetadata().device_authorization_endpoint !== undefined;
  }

  /** The device authorization grant (RFC 8628): the browser may be on any machine. */
  async byDevice(tell: Tell): Promise<ProviderLogin> {
    return this.#ask(async () => {
      const begun = await openid.initiateDeviceAuthorization(this.#config, this.#wish());
      tell(begun.verification_uri_complete ?? begun.verification_uri, begun.user_code);
      return openid.pollDeviceAuthorizationGrant(this.#config, begun);
    });
  }

  /** The authorization code flow with PKCE (RFC 7636), back to this machine's loopback (RFC 8252, 7.3). */
  async byBrowser(tell: Tell): Promise<ProviderLogin> {
    await using loopback = await listenOnLoopback();
    return await this.#ask(async () => {
      const verifier = openid.randomPKCECodeVerifier();
      const [state, nonce] = [openid.randomState(), openid.randomNonce()];
      const address = openid.buildAuthorizationUrl(this.#config, {
        redirect_uri: loopback.url,
        ...this.#wish(),
        state,
        nonce,
        code_challenge: await openid.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      });
      tell(address.href, null);
      return loopback.answer(state, LOGIN_MS, back =>
        openid.authorizationCodeGrant(this.#config, back, {
          pkceCodeVerifier: verifier,
          expectedState: state,
          expectedNonce: nonce,
          idTokenExpected: true,
        }),
      );
    });
  }

  /** Null when the provider gives no new one for it. */
  async renew(refreshToken: string): Promise<ProviderLogin | null> {
    try {
      return await this.#ask(() => openid.refreshTokenGrant(this.#config, refreshToken), refreshToken);
    } catch (error) {
      if (isCoaxError(error, 'COAX_LOGIN_FAILED')) return null;
      throw error;
    }
  }

  /** Ends the refresh token there (RFC 7009), where the provider can. */
  async forget(refreshToken: string): Promise<void> {
    if (this.#config.serverMetadata().revocation_endpoint === undefined) return;
    try {
      await openid.tokenRevocation(this.#config, refreshToken);
    } catch (cause) {
      throw failure(this.#name, cause);
    }
  }

  /** What outlives the login asks for the person's word (OpenID Connect Core 1.0, 11). */
  #wish(): Record<string, string> {
    return { scope: this.#scope, ...(this.#scope.includes(OFFLINE) && { prompt: 'consent' }) };
  }

  async #ask(
    work: () => Promise<openid.TokenEndpointResponse>,
    refreshToken: string | null = null,
  ): Promise<ProviderLogin> {
    try {
      const { id_token, access_token, refresh_token } = await work();
      if (id_token === undefined)
        throw new CoaxError('COAX_LOGIN_FAILED', `${this.#name} does not say who you are`);
      return {
        idToken: id_token,
        accessToken: access_token,
        refreshToken: refresh_token ?? refreshToken,
      };
    } catch (cause) {
      throw isCoaxError(cause) ? cause : failure(this.#name, cause);
    }
  }
}

/** What a person reads for an answer that is none of those that a login has. */
const REASONS: Readonly<Record<string, string>> = {
  access_denied: 'you, or the provider, said no',
  expired_token: 'the code has expired before it was used',
  invalid_grant: 'what renews the login is no longer good',
};

function failure(name: string, cause: unknown): CoaxError {
  if (cause instanceof openid.AuthorizationResponseError || cause instanceof openid.ResponseBodyError) {
    const code = /^[a-z_]{1,40}$/.test(cause.error) ? cause.error : 'refused';
    const ofPerson = cause instanceof openid.AuthorizationResponseError || code in REASONS;
    return ofPerson
      ? new CoaxError('COAX_LOGIN_FAILED', `${name}: ${REASONS[code] ?? code}`, {
          cause,
          hint: '`coax login` begins again.',
        })
      : new CoaxError('COAX_LOGIN_UNAVAILABLE', `${name} does not accept command lines: ${code}`, {
          cause,
          hint: 'An admin compares cliClientId in the file of `coax up --oidc` with the provider: a public client with the grants that it is to use. `coax login --with-token` takes a token.',
        });
  }
  // Of a connection that fails, fetch tells why in the error beneath.
  const beneath = cause instanceof TypeError ? (cause.cause ?? cause) : cause;
  return new CoaxError('COAX_LOGIN_UNAVAILABLE', `${name} does not answer as it should: ${textOf(beneath)}`, {
    cause,
    hint: 'Try again later; `coax login --with-token` takes a token.',
  });
}
