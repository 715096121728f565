import {
  Done,
  TokenBody,
  TokenList,
  TokenMade,
  TokenNamePath,
  TokensQuery,
  TokenView,
} from '../../../api/access/identity.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { type ApiToken, tokenState } from '../../../identity/tokens.ts';
import { versionOf } from '../../../message/version/version.ts';
import { type Asking, assertMay, placesToShow } from '../../admission/access-to.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { versionsOf } from '../../exchange/etag.ts';
import { isoTime } from '../../message-view.ts';
import { keyedPage } from '../../page.ts';
import { findAccount } from './account.ts';
import { assertMayGive } from './rights.ts';

export function tokenRoutes(app: App, context: RouteContext): void {
  readRoutes(app, context);
  changeRoutes(app, context);
}

function readRoutes(app: App, context: RouteContext): void {
  const { tokens } = context.services.identity;

  app.get(
    '/v1/tokens',
    {
      config: { needs: 'admin', scope: 'project' },
      schema: {
        operationId: 'tokens',
        tags: ['access'],
        summary: 'API tokens, newest first',
        querystring: TokensQuery,
        response: { 200: TokenList, ...PROBLEMS },
      },
    },
    async request => {
      const { project, all, ...query } = request.query;
      const places = placesToShow(request, project);
      const keyOf = ({ created, name, prefix }: ApiToken) => [created, name, prefix];
      const page = await keyedPage({ list: 'tokens', shape: 'nss', keyOf }, query, slice =>
        tokens.list(places, all, slice),
      );
      return { ...page, items: page.items.map(viewToken) };
    },
  );

  app.get(
    '/v1/tokens/:name',
    {
      config: { needs: 'admin', scope: 'project' },
      schema: {
        operationId: 'token',
        tags: ['access'],
        summary: 'One API token, without what opens something',
        params: TokenNamePath,
        response: { 200: TokenView, ...PROBLEMS },
      },
    },
    async request => {
      const token = await findToken(context, request, request.params.name);
      request.head = versionOf(tokenState(token));
      return viewToken(token);
    },
  );
}

function changeRoutes(app: App, context: RouteContext): void {
  const { identity } = context.services;
  const { tokens } = identity;

  app.post(
    '/v1/tokens',
    {
      config: { needs: 'admin', scope: 'project', repeat: 'secret' },
      schema: {
        operationId: 'createToken',
        tags: ['access'],
        summary: 'Make an API token; its text is in this answer and nowhere else',
        body: TokenBody,
        response: { 200: TokenMade, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { name, project, role, account, ttlMs } = request.body;
      await assertMayGive(context, request, project, role);
      if (account !== undefined) await findAccount(context, request, account);
      else if (role === undefined)
        throw new CoaxError('COAX_MESSAGE_INVALID', 'the token has no role', {
          where: '/role',
          hint: 'Give a role, or an account, whose roles it then has.',
        });
      const wish = { name, project, role: role ?? null, account: account ?? null, ttlMs: ttlMs ?? null };
      const made = await tokens.create(wish, request.actor);
      reply.header('cache-control', 'no-store');
      return { ...viewToken(made.token), token: made.text };
    },
  );

  app.post(
    '/v1/tokens/:name/revoke',
    {
      config: { needs: 'admin', scope: 'project', ifMatch: true },
      schema: {
        operationId: 'revokeToken',
        tags: ['access'],
        summary: 'End an API token; it opens nothing within a second, at every server',
        params: TokenNamePath,
        response: { 200: Done, ...PROBLEMS },
      },
    },
    async request => {
      const { name } = await findToken(context, request, request.params.name);
      await tokens.revoke(name, versionsOf(request));
      identity.changed();
      return { ok: true as const };
    },
  );
}

async function findToken({ services }: RouteContext, asking: Asking, name: string): Promise<ApiToken> {
  const missing = () =>
    new CoaxError('COAX_NOT_FOUND', `there is no token "${name}"`, {
      where: name,
      hint: '`coax token ls` lists the tokens.',
    });
  const token = await services.identity.tokens.find(name);
  if (token === null) throw missing();
  assertMay(asking, token.project, missing);
  return token;
}

const viewToken = (token: ApiToken): TokenView => ({
  ...token,
  created: isoTime(token.created),
  expires: timeOrNull(token.expires),
  revoked: timeOrNull(token.revoked),
  lastUsed: timeOrNull(token.lastUsed),
});

const timeOrNull = (ms: number | null): string | null => (ms === null ? null : isoTime(ms));
