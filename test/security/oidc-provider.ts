/**
 * A provider of logins, in a process of its own: `oidc-provider` with its own forms, on a free port of loopback. It tells its
 * parent where it is, and is told where its client comes back to. Whoever logs in as NAME gets what PEOPLE says.
 */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

const PEOPLE: Record<string, Record<string, unknown> | null> = {
  alice: { email: 'alice@example.org', email_verified: true, groups: ['shop-dev', 'staff'] },
  bob: { email: 'alice@example.org', email_verified: false, groups: ['shop-dev'] },
  carol: { email: 'carol@example.org', email_verified: true, groups: [] },
  dave: { email: 'admin', email_verified: true, groups: ['shop-dev'] },
};

/** Somebody's claims from now on; null: they are gone. */
interface Change {
  readonly login: string;
  readonly claims: Record<string, unknown> | null;
}

/** `devices`: whether it has the device authorization grant (RFC 8628). */
interface Told {
  readonly issuer: string;
  readonly back: string;
  readonly secret: string;
  readonly devices?: boolean;
}

interface ProviderLike {
  callback(): RequestListener;
}
type ProviderClass = new (issuer: string, configuration: object) => ProviderLike;

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  process.send!({ issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
process.once('disconnect', () => process.exit());
process.once('message', async ({ issuer, back, secret, devices = true }: Told) => {
  // The package has no types of its own.
  const { default: Provider } = (await import('oidc-provider' as string)) as { default: ProviderClass };
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'coax',
        client_secret: secret,
        redirect_uris: [back],
        grant_types: ['authorization_code', 'refresh_token'],
      },
      // A command line (RFC 8252): it has no secret, and comes back to any port of loopback.
      {
        client_id: 'coax-cli',
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        redirect_uris: ['http://127.0.0.1/callback'],
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      },
      // Another program of the same provider.
      {
        client_id: 'other-cli',
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        redirect_uris: ['http://127.0.0.1/callback'],
      },
    ],
    features: { deviceFlow: { enabled: devices }, revocation: { enabled: true } },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['groups'] },
    pkce: { required: () => true },
    async findAccount(_context: unknown, id: string) {
      return PEOPLE[id] === null
        ? undefined
        : { accountId: id, claims: async () => ({ sub: id, ...PEOPLE[id] }) };
    },
  });
  server.on('request', provider.callback());
  process.on('message', ({ login, claims }: Change) => {
    PEOPLE[login] = claims;
    process.send!({ changed: login });
  });
  process.send!({ ready: true });
});
