import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  ExchangeBody,
  LoginAnswer,
  LoginQuery,
  type OidcCli,
  SessionMade,
  SignInMethods,
} from '../../../api/access/identity.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import type { Identity } from '../../../identity/identity.ts';
import { LOGIN_MS, LoginTicket } from '../../../identity/oidc/login-ticket.ts';
import type { OidcLogin } from '../../../identity/oidc/oidc-login.ts';
import type { Person } from '../../../identity/oidc/person.ts';
import type { Grant } from '../../../identity/principal.ts';
import { isTls, loginCookie, setLoginCookie, setSessionCookie } from '../../admission/credential.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { escaped, HTML, HTML_POLICY, htmlPage } from '../../html-page.ts';
import { logFault } from '../../log-fault.ts';
import { coaxErrorOf, problemOf } from '../../problem.ts';

const BACK = '/auth/callback';
const SENT_ON = z.null().meta({ description: 'Sent on, by `Location`.' });

/** Logins of people by a provider. */
export function loginRoutes(app: App, context: RouteContext): void {
  const { oidc = null, store } = context.services;
  app.get(
    '/auth/methods',
    {
      config: { opens: 'anyone' },
      schema: {
        operationId: 'signInMethods',
        tags: ['access'],
        summary: 'How people sign in; for the console',
        security: [],
        response: { 200: SignInMethods, ...PROBLEMS },
      },
    },
    async () => ({
      token: true as const,
      oidc: oidc === null ? null : { name: oidc.settings.name, path: '/auth/login', cli: cliOf(oidc) },
    }),
  );

  app.get(
    '/auth/login',
    {
      config: { opens: 'anyone' },
      schema: {
        operationId: 'logIn',
        tags: ['access'],
        summary: 'Go to the provider of logins; for browsers',
        security: [],
        querystring: LoginQuery,
        response: { 303: SENT_ON, ...PROBLEMS },
      },
    },
    (request, reply) =>
      forPeople(request, reply, async () => {
        const provider = present(oidc);
        const ticket = LoginTicket.issue(store.now(), request.query.to);
        const address = await provider.begin(ticket, backOf(request, provider));
        setLoginCookie(request, reply, ticket.text, LOGIN_MS / 1000);
        reply.redirect(address, 303);
      }),
  );

  callbackRoute(app, context);
  exchangeRoute(app, context);
}

/** How a command line logs in; null when the provider has no client for it. */
function cliOf({ settings: { issuer, cliClientId, scopes } }: OidcLogin): OidcCli | null {
  return cliClientId === null ? null : { issuer, clientId: cliClientId, scopes: [...scopes] };
}

function exchangeRoute(app: App, { services: { identity, oidc = null } }: RouteContext): void {
  app.post(
    '/auth/exchange',
    {
      config: { opens: 'anyone', repeat: 'secret' },
      schema: {
        operationId: 'exchangeLogin',
        tags: ['access'],
        summary: 'Trade a login at the provider for a session; for command lines',
        security: [],
        body: ExchangeBody,
        response: { 200: SessionMade, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const person = await present(oidc).accept(request.body);
      const roles = await rolesOf(identity, person);
      const { text, expires } = await identity.sessions.open(person);
      reply.header('cache-control', 'no-store');
      return { session: text, expires: new Date(expires).toISOString(), actor: person.actor, roles };
    },
  );
}

/** Errors: COAX_FORBIDDEN for who has none. */
async function rolesOf(identity: Identity, { actor, grants, subjects }: Person): Promise<Grant[]> {
  const roles = [...grants, ...(await identity.bindings.grantsOf(subjects))];
  if (roles.length > 0) return roles;
  throw new CoaxError('COAX_FORBIDDEN', `${actor} has no role here yet`, {
    where: actor,
    hint: `An admin gives one: \`coax role grant ${actor} viewer --project NAME\`.`,
  });
}

function callbackRoute(app: App, { services: { identity, oidc = null, store } }: RouteContext): void {
  app.get(
    BACK,
    {
      config: { opens: 'anyone' },
      schema: {
        operationId: 'logInEnd',
        tags: ['access'],
        summary: 'Come back from the provider of logins; for browsers',
        security: [],
        querystring: LoginAnswer,
        response: { 303: SENT_ON, ...PROBLEMS },
      },
    },
    (request, reply) =>
      forPeople(request, reply, async () => {
        const provider = present(oidc);
        const given = loginCookie(request);
        // It is good for one answer, whatever that is.
        setLoginCookie(request, reply, '', 0);
        const ticket = LoginTicket.read(given, store.now());
        const answer = request.url.split('?').slice(1).join('?');
        const person = await provider.end(ticket, backOf(request, provider), answer);
        await rolesOf(identity, person);
        const session = await identity.sessions.open(person);
        const seconds = Math.floor((session.ends - store.now()) / 1000);
        setSessionCookie(request, reply, session.text, seconds);
        reply.redirect(ticket.to, 303);
      }),
  );
}

function present(oidc: OidcLogin | null): OidcLogin {
  if (oidc !== null) return oidc;
  throw new CoaxError('COAX_NOT_FOUND', 'this server has no provider of logins', {
    hint: 'Sign in with a token; `coax up --oidc FILE` names a provider.',
  });
}

/** Where the provider sends people back; it knows that address, and refuses any other that a request makes us say. */
function backOf(request: FastifyRequest, { settings }: OidcLogin): string {
  const { host } = request.headers;
  const base = settings.url ?? `${isTls(request) ? 'https' : 'http'}://${host}`;
  if (URL.canParse(BACK, base)) return new URL(BACK, base).href;
  throw new CoaxError('COAX_MESSAGE_INVALID', 'the request does not say where it was sent', {
    where: 'Host',
    hint: 'Give `url` in the file of `coax up --oidc`: where browsers reach this server.',
  });
}

/** A refusal as a page, to a browser; as a problem, to all others. Returns the reply, which tells Fastify that it is sent. */
async function forPeople(
  request: FastifyRequest,
  reply: FastifyReply,
  work: () => Promise<void>,
): Promise<never> {
  try {
    await work();
  } catch (thrown) {
    if (!request.headers.accept?.includes('text/html')) throw thrown;
    const error = coaxErrorOf(thrown);
    logFault(error, thrown, request);
    const { status, detail, hint } = problemOf(error, request.id);
    const body = `<p>${escaped(`${detail}.`)}</p><p>${escaped(hint)}</p><p><a href="/">Back to Coax</a></p>`;
    reply
      .code(status)
      .type(HTML)
      .header('content-security-policy', HTML_POLICY)
      .header('cache-control', 'no-store')
      .send(htmlPage('You are not signed in', body));
  }
  return reply as never;
}
