import { Done, SessionList, SessionPath } from '../../../api/access/identity.ts';
import { ListQuery } from '../../../api/value.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { isoTime } from '../../message-view.ts';
import { keyedPage } from '../../page.ts';

/** The sessions of all people, for who may end them. */
export function loginSessionRoutes(app: App, { services: { identity } }: RouteContext): void {
  app.get(
    '/v1/sessions',
    {
      config: { needs: 'admin', scope: 'installation' },
      schema: {
        operationId: 'loginSessions',
        tags: ['access'],
        summary: 'Sessions of people that are good now, newest first',
        querystring: ListQuery,
        response: { 200: SessionList, ...PROBLEMS },
      },
    },
    async request =>
      keyedPage(
        // No hash begins so and goes on with a letter that is no digit: the key is after its own session.
        { list: 'sessions', shape: 'ns', keyOf: ({ created, id }) => [Date.parse(created), `${id}g`] },
        request.query,
        async slice =>
          (await identity.sessions.list(slice)).map(session => ({
            ...session,
            created: isoTime(session.created),
            expires: isoTime(session.expires),
            looked: session.looked === null ? null : isoTime(session.looked),
          })),
      ),
  );

  app.post(
    '/v1/sessions/:id/revoke',
    {
      config: { needs: 'admin', scope: 'installation' },
      schema: {
        operationId: 'revokeLoginSession',
        tags: ['access'],
        summary: 'End a session; it opens nothing within a second, at every server',
        params: SessionPath,
        response: { 200: Done, ...PROBLEMS },
      },
    },
    async request => {
      const { id } = request.params;
      if (!(await identity.sessions.revoke(id)))
        throw new CoaxError('COAX_NOT_FOUND', `there is no session ${id}`, {
          where: id,
          hint: '`coax session ls` lists the sessions.',
        });
      identity.changed();
      return { ok: true as const };
    },
  );
}
