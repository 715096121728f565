import { ConsoleTicket, TicketBody, WhoamiView } from '../../../api/access/identity.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { assertOwnPage, credentialOf, sessionCookie, setSessionCookie } from '../../admission/credential.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { viewWhoami } from './session.ts';

/** Tickets by which `coax console` lets a browser in. */
export function ticketRoutes(app: App, { services: { identity, store } }: RouteContext): void {
  app.post(
    '/v1/console-tickets',
    {
      config: { needs: 'view', scope: 'project', repeat: 'secret' },
      schema: {
        operationId: 'consoleTicket',
        tags: ['access'],
        summary: 'Make a ticket by which a browser is let in, once and within a minute',
        response: { 200: ConsoleTicket, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { text } = credentialOf(request)!;
      const ticket = await identity.tickets.issue(text, request.actor, await identity.isToken(text));
      if (ticket === null) throw new CoaxError('COAX_AUTH_MISSING', 'the token is not known here');
      reply.header('cache-control', 'no-store');
      return { ticket: ticket.text, expires: new Date(ticket.expires).toISOString() };
    },
  );

  app.post(
    '/auth/ticket',
    {
      config: { opens: 'anyone', repeat: 'secret' },
      schema: {
        operationId: 'signInByTicket',
        tags: ['access'],
        summary: "Trade a ticket for a session's cookie; for the console",
        security: [],
        body: TicketBody,
        response: { 200: WhoamiView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      assertOwnPage(request, true);
      const { ticket, instead } = request.body;
      const cookie = sessionCookie(request);
      const before = cookie === null ? null : await identity.principalOf(cookie);
      const actor = await identity.tickets.actorOf(ticket);
      // A link from elsewhere must not make a person work as somebody else without seeing it.
      if (before !== null && actor !== null && before.actor !== actor && !instead)
        throw new CoaxError(
          'COAX_CONFLICT',
          `${before.actor} is signed in here, and the ticket is of ${actor}`,
          {
            hint: 'Sign in as the other, or stay.',
            detail: { now: before.actor, ticket: actor },
          },
        );
      const session = await identity.tickets.trade(ticket);
      const principal = session === null ? null : await identity.principalOf(session.text);
      if (session === null || principal === null)
        throw new CoaxError('COAX_AUTH_MISSING', 'the ticket was used already, or is older than a minute', {
          hint: '`coax console` makes another.',
        });
      if (cookie !== null) {
        await identity.sessions.end(cookie);
        identity.changed();
      }
      setSessionCookie(request, reply, session.text, Math.floor((session.expires - store.now()) / 1000));
      return viewWhoami(principal, true);
    },
  );
}
