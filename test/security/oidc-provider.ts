/**
 * A provider of logins, in a process of its own: `oidc-provider` with its own forms, on a free port of loopback. It tells its
 * parent where it is, and is told where its client comes back to. Whoever logs in as NAME gets what PEOPLE says.
 */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

const PEOPLE: Readonly<Record<string, Record<string, unknown>>> = {
  alice: { email: 'alice@example.org', email_verified: true, groups: ['shop-dev', 'staff'] },
  bob: { email: 'alice@example.org', email_verified: false, groups: ['shop-dev'] },
  carol: { email: 'carol@example.org', email_verified: true, groups: [] },
  dave: { email: 'admin', email_verified: true, groups: ['shop-dev'] },
};

interface ProviderLike {
  callback(): RequestListener;
}
type ProviderClass = new (issuer: string, configuration: object) => ProviderLike;

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  process.send!({ issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
process.once('disconnect', () => process.exit());
process.once(
  'message',
  async ({ issuer, back, secret }: { issuer: string; back: string; secret: string }) => {
    // The package has no types of its own.
    const { default: Provider } = (await import('oidc-provider' as string)) as { default: ProviderClass };
    const provider = new Provider(issuer, {
      clients: [{ client_id: 'coax', client_secret: secret, redirect_uris: [back] }],
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['groups'] },
      pkce: { required: () => true },
      async findAccount(_context: unknown, id: string) {
        return { accountId: id, claims: async () => ({ sub: id, ...PEOPLE[id] }) };
      },
    });
    server.on('request', provider.callback());
    process.send!({ ready: true });
  },
);
