import { Done, SignInBody, WhoamiView } from '../../../api/access/identity.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import type { Principal } from '../../../identity/principal.ts';
import { assertOwnPage, credentialOf, sessionCookie, setSessionCookie } from '../../admission/credential.ts';
import { bearerOf } from '../../admission/token.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';

/** Who asks; and the sessions of browsers, whose cookie no script can read. */
export function sessionRoutes(app: App, { services: { identity, store } }: RouteContext): void {
  app.get(
    '/v1/whoami',
    {
      config: { opens: 'known' },
      schema: {
        operationId: 'whoami',
        tags: ['access'],
        summary: 'Who asks, and what that may do',
        response: { 200: WhoamiView, ...PROBLEMS },
      },
    },
    async request => viewWhoami(request.principal, credentialOf(request)?.cookie ?? false),
  );

  app.post(
    '/auth/session',
    {
      config: { opens: 'anyone', repeat: 'secret' },
      schema: {
        operationId: 'signIn',
        tags: ['access'],
        summary: "Trade a token for a session's cookie; for the console",
        security: [],
        body: SignInBody,
        response: { 200: WhoamiView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      assertOwnPage(request, true);
      const { token } = request.body;
      const principal = await identity.principalOf(token);
      // Neither a host nor a session: those end by themselves, and would live on in this one.
      if (principal === null || principal.host !== null || !(await identity.isToken(token)))
        throw new CoaxError('COAX_AUTH_MISSING', 'the token is not known here');
      const session = await identity.sessions.open({ actor: principal.actor, subjects: [], token });
      const seconds = Math.floor((session.expires - store.now()) / 1000);
      setSessionCookie(request, reply, session.text, seconds);
      return viewWhoami(principal, true);
    },
  );

  app.post(
    '/auth/logout',
    {
      config: { opens: 'anyone', repeat: 'harmless' },
      schema: {
        operationId: 'signOut',
        tags: ['access'],
        summary: 'End the session of this browser, or of this command line',
        security: [],
        response: { 200: Done, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      assertOwnPage(request, true);
      const text = bearerOf(request.headers.authorization) ?? sessionCookie(request);
      if (text !== null) await identity.sessions.end(text);
      identity.changed();
      setSessionCookie(request, reply, '', 0);
      return { ok: true as const };
    },
  );
}

export const viewWhoami = ({ actor, host, grants }: Principal, session: boolean): WhoamiView => ({
  actor,
  host,
  roles: grants.map(({ project, role }) => ({ project, role })),
  session,
});
