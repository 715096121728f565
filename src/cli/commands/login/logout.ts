import { CoaxError, textOf } from '../../../errors/coax-error.ts';
import type { Context } from '../../context.ts';
import { changeContexts, contextNamed, readContexts, type ServerContext } from '../../login/contexts.ts';
import { defineVerb } from '../../verb.ts';

/** Ends a login. */
export const verb = defineVerb({
  examples: [
    ['coax logout', 'of the server that verbs go to'],
    ['coax logout prod', 'of a context'],
  ],
  details: [
    'The session is ended at the server, and what renews it at the provider; then this machine forgets both. An API token stays good: `coax token revoke` ends it. The context stays, for the next `coax login`; `coax context rm` removes it.',
  ],
  args: [{ name: '[context]', about: 'Name of the context; without it the one that verbs go to' }],
  async run(context, [given]) {
    const { out, globals } = context;
    const contexts = readContexts();
    const name = given ?? globals.context ?? process.env.COAX_CONTEXT ?? contexts.current;
    if (name == null)
      throw new CoaxError('COAX_USAGE', 'you are not logged in anywhere', { hint: '`coax login URL`' });
    const server = contextNamed(name, contexts);
    await endLogin(context, server);
    await changeContexts(before => ({
      ...before,
      contexts: { ...before.contexts, [name]: { ...contextNamed(name, before), login: null } },
    }));
    await out.object({ context: name, url: server.url, ok: true }, name, () =>
      out.line(`logged out of ${server.url} (${name})`),
    );
    if (server.login?.kind === 'token')
      out.hint('the token itself is still good; `coax token revoke NAME` ends it');
    return 0;
  },
});

/** Ends the session, and what renews it. Whoever does not answer is told of; what is here is forgotten all the same. */
export async function endLogin({ out }: Context, { url, ca, login }: ServerContext): Promise<void> {
  if (login?.kind !== 'session') return;
  const { Transport } = await import('../../../client/transport.ts');
  const transport = new Transport({ url, token: login.session, ...(ca !== undefined && { ca }) });
  const ends = [
    transport
      .json({ method: 'POST', path: '/auth/logout', body: {}, idleMs: 10_000 })
      .finally(() => transport.close()),
    ...(login.renewal === null ? [] : [forgetAtProvider(login.renewal)]),
  ];
  for (const end of await Promise.allSettled(ends))
    if (end.status === 'rejected') out.hint(`not told: ${textOf(end.reason)}`);
}

async function forgetAtProvider(renewal: {
  issuer: string;
  clientId: string;
  refreshToken: string;
}): Promise<void> {
  const { Provider } = await import('../../login/provider.ts');
  const provider = await Provider.find({ ...renewal, scopes: [] });
  await provider.forget(renewal.refreshToken);
}
