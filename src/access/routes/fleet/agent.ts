import type { FastifyRequest } from 'fastify';
import { Done } from '../../../api/access/identity.ts';
import {
  AgentHostPath,
  AgentReport,
  agentSessionText,
  ChallengeAnswer,
  EnrolAnswer,
  EnrolBody,
  GoodbyeBody,
  JoinTokenBody,
  JoinTokenList,
  JoinTokenPath,
  JoinTokensQuery,
  JoinTokenView,
  ReportAnswer,
  RevokeAnswer,
  SessionAnswer,
  SessionBody,
} from '../../../api/agent.ts';
import type { JoinTokenInfo } from '../../../cloud/agents/agents.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { bearerOf } from '../../admission/token.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { isoTime } from '../../message-view.ts';
import { keyedPage } from '../../page.ts';

/** Hosts with agents: people let them in and shut them out; they join, prove who they are, and report. */
export function agentRoutes(app: App, context: RouteContext): void {
  enrolRoute(app, context);
  sessionRoutes(app, context);
  reportRoute(app, context);
  joinTokenRoute(app, context);
  joinTokensRoutes(app, context);
  revokeRoute(app, context);
}

function joinTokenRoute(app: App, { services: { agents } }: RouteContext): void {
  app.post(
    '/v1/join-tokens',
    {
      config: { needs: 'admin', scope: 'installation', repeat: 'secret' },
      schema: {
        operationId: 'joinToken',
        tags: ['hosts'],
        summary: 'A token by which one host joins, once, and the whole command to paste there',
        body: JoinTokenBody,
        response: { 200: JoinTokenView, ...PROBLEMS },
      },
    },
    async request => {
      const { host, ttlMs, replace, url = originOf(request) } = request.body;
      const made = await agents.joinToken({ host, ttlMs, rekeys: replace, actor: request.actor });
      const named = host === '' ? '' : ` --name ${host}`;
      return {
        token: made.token,
        host,
        expires: isoTime(made.expires),
        command: `coax agent --join ${url.replace(/\/(?=,|$)/g, '')} --token ${made.token}${named}`,
      };
    },
  );
}

function joinTokensRoutes(app: App, { services: { agents, store } }: RouteContext): void {
  app.get(
    '/v1/join-tokens',
    {
      config: { needs: 'admin', scope: 'installation' },
      schema: {
        operationId: 'joinTokens',
        tags: ['hosts'],
        summary: 'Join tokens, newest first, without what lets a host in',
        querystring: JoinTokensQuery,
        response: { 200: JoinTokenList, ...PROBLEMS },
      },
    },
    async ({ query: { all, ...query } }) => {
      const keyOf = ({ created, hash }: JoinTokenInfo) => [created, hash];
      const page = await keyedPage({ list: 'joinTokens', shape: 'ns', keyOf }, query, slice =>
        agents.joinTokens(all, slice),
      );
      return { ...page, items: page.items.map(info => viewJoinToken(info, store.now())) };
    },
  );

  app.post(
    '/v1/join-tokens/:id/revoke',
    {
      config: { needs: 'admin', scope: 'installation' },
      schema: {
        operationId: 'revokeJoinToken',
        tags: ['hosts'],
        summary: 'Nobody can join by the token any more; refused (409) when a host has',
        params: JoinTokenPath,
        response: { 200: Done, ...PROBLEMS },
      },
    },
    async ({ params: { id } }) => {
      await agents.revokeJoinToken(id);
      return { ok: true as const };
    },
  );
}

function viewJoinToken(info: JoinTokenInfo, now: number) {
  const { id, host, rekeys, actor, created, expires, used, usedBy } = info;
  const state: 'open' | 'used' | 'expired' = used !== null ? 'used' : expires < now ? 'expired' : 'open';
  const times = {
    created: isoTime(created),
    expires: isoTime(expires),
    used: used === null ? null : isoTime(used),
  };
  return { id, host, replace: rekeys, actor, state, usedBy, ...times };
}

/** Where this request came to, as its sender sees it. */
function originOf(request: FastifyRequest): string {
  const url = `${request.protocol}://${request.host}`;
  if (URL.canParse(url) && /^[A-Za-z0-9.:[\]-]+$/.test(request.host)) return url;
  throw new CoaxError('COAX_MESSAGE_INVALID', 'the header Host is no address of a server', {
    where: 'Host',
    hint: 'Say as `url` where the host reaches the server.',
  });
}

function revokeRoute(app: App, { services: { agents } }: RouteContext): void {
  app.post(
    '/v1/agents/:host/revoke',
    {
      config: { needs: 'admin', scope: 'installation' },
      schema: {
        operationId: 'revokeAgent',
        tags: ['hosts'],
        summary: "End a host's sessions; its key opens nothing any more, and what it holds is given back",
        params: AgentHostPath,
        response: { 200: RevokeAnswer, ...PROBLEMS },
      },
    },
    async ({ params: { host }, actor }) => ({ host, sessions: await agents.revoke(host, actor) }),
  );
}

function enrolRoute(app: App, { services: { agents } }: RouteContext): void {
  app.post(
    '/v1/agents',
    {
      config: { opens: 'anyone' },
      schema: {
        operationId: 'enrol',
        tags: ['hosts'],
        summary: 'A host joins, by the join token in `Authorization`; may be repeated with the same key',
        security: [{ joinToken: [] }],
        body: EnrolBody,
        response: { 200: EnrolAnswer, ...PROBLEMS },
      },
    },
    async ({ headers, body }) => {
      const token = bearerOf(headers.authorization);
      if (token === null) throw new CoaxError('COAX_JOIN_TOKEN', 'the request has no join token');
      const { installation, network } = await agents.enrol(token, body);
      return { host: body.host, installation, network };
    },
  );
}

function sessionRoutes(app: App, { services: { agents } }: RouteContext): void {
  app.post(
    '/v1/agents/:host/challenge',
    {
      config: { opens: 'anyone' },
      schema: {
        operationId: 'agentChallenge',
        tags: ['hosts'],
        summary: 'Something to sign, by which a host proves who it is; given to whoever asks',
        security: [],
        params: AgentHostPath,
        response: { 200: ChallengeAnswer, ...PROBLEMS },
      },
    },
    ({ params: { host } }) => agents.challenge(host),
  );

  app.post(
    '/v1/agents/:host/session',
    {
      config: { opens: 'anyone' },
      schema: {
        operationId: 'agentSession',
        tags: ['hosts'],
        summary: 'A token of the host for a short while, for its signature under a challenge',
        security: [],
        params: AgentHostPath,
        body: SessionBody,
        response: { 200: SessionAnswer, ...PROBLEMS },
      },
    },
    ({ params: { host }, body: { nonce, signature } }) =>
      agents.openSession(host, { nonce, signature, text: agentSessionText(host, nonce) }),
  );
}

function reportRoute(app: App, { services: { agents } }: RouteContext): void {
  app.put(
    '/v1/agents/:host/report',
    {
      config: { opens: 'host', needs: 'admin', scope: 'installation' },
      schema: {
        operationId: 'agentReport',
        tags: ['hosts'],
        summary: 'What a host is and what runs there; each report renews its lease',
        params: AgentHostPath,
        body: AgentReport,
        response: { 200: ReportAnswer, ...PROBLEMS },
      },
    },
    async ({ params: { host }, body }) => ({ ...(await agents.report(host, body)) }),
  );

  app.post(
    '/v1/agents/:host/goodbye',
    {
      config: { opens: 'host', needs: 'admin', scope: 'installation' },
      schema: {
        operationId: 'agentGoodbye',
        tags: ['hosts'],
        summary:
          "A host's agent stops and holds no step any more: the host is down now, unless the agent returns",
        params: AgentHostPath,
        // Agents of the version before send none.
        body: GoodbyeBody.optional(),
        response: { 200: Done, ...PROBLEMS },
      },
    },
    async ({ params: { host }, body }) => {
      await agents.goodbye(host, body?.returns ?? false);
      return { ok: true as const };
    },
  );
}
