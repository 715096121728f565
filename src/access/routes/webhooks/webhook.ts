import type { FastifyRequest } from 'fastify';
import {
  DeliveriesQuery,
  DeliveryList,
  type DeliveryView,
  RetryAnswer,
  RetryBody,
  TestAnswer,
  WebhookBody,
  WebhookEdit,
  WebhookList,
  WebhookMade,
  WebhookPath,
  WebhooksQuery,
  WebhookView,
} from '../../../api/webhook/webhook.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { versionOf } from '../../../message/version/version.ts';
import type { DeliveryRow } from '../../../webhook/schema.ts';
import type { Webhook } from '../../../webhook/webhooks.ts';
import { assertMay, noProject, projectForNew, projectsToShow } from '../../admission/access-to.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { versionsOf } from '../../exchange/etag.ts';
import { isoTime } from '../../message-view.ts';
import { keyedPage } from '../../page.ts';

/** Webhooks of projects. Whoever makes one sends a project's events elsewhere, so that is for its admins. */
export function webhookRoutes(app: App, context: RouteContext): void {
  listRoutes(app, context);
  createRoute(app, context);
  changeRoutes(app, context);
  secretRoutes(app, context);
  deliveryRoutes(app, context);
}

const view = (webhook: Webhook): WebhookView => ({
  ...webhook,
  events: [...webhook.events],
  created: isoTime(webhook.created),
});

async function find(
  { services }: RouteContext,
  request: Pick<FastifyRequest, 'principal' | 'routeOptions'>,
  id: string,
): Promise<Webhook> {
  const missing = (): CoaxError =>
    new CoaxError('COAX_NOT_FOUND', `there is no webhook ${id}`, {
      where: id,
      hint: '`coax webhook ls` lists them.',
    });
  const webhook = await services.webhooks.find(id);
  if (webhook === null) throw missing();
  assertMay(request, webhook.project, missing);
  return webhook;
}

function listRoutes(app: App, context: RouteContext): void {
  const { webhooks } = context.services;

  app.get(
    '/v1/webhooks',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'webhooks',
        tags: ['webhooks'],
        summary: 'Webhooks, oldest first',
        querystring: WebhooksQuery,
        response: { 200: WebhookList, ...PROBLEMS },
      },
    },
    async request => {
      const { project, ...query } = request.query;
      const { projects } = projectsToShow(request, project);
      const keyOf = ({ created, id }: Webhook) => [created, id];
      const page = await keyedPage({ list: 'webhooks', shape: 'ns', keyOf }, query, slice =>
        webhooks.list(projects, slice),
      );
      return { ...page, items: page.items.map(view) };
    },
  );

  app.get(
    '/v1/webhooks/:id',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'webhook',
        tags: ['webhooks'],
        summary: 'One webhook',
        params: WebhookPath,
        response: { 200: WebhookView, ...PROBLEMS },
      },
    },
    async request => {
      const webhook = await find(context, request, request.params.id);
      request.head = versionOf(webhook);
      return view(webhook);
    },
  );
}

function createRoute(app: App, context: RouteContext): void {
  const { webhooks, identity } = context.services;

  app.post(
    '/v1/webhooks',
    {
      config: { needs: 'admin', scope: 'project', repeat: 'secret' },
      schema: {
        operationId: 'createWebhook',
        tags: ['webhooks'],
        summary: 'Send events of a project to a URL, from now on',
        description:
          'Events are CloudEvents 1.0 as JSON, signed as Standard Webhooks says. The secret is told here and never again.',
        body: WebhookBody,
        response: { 201: WebhookMade, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { url, events, flow = null, project: wanted } = request.body;
      const project = projectForNew(request, wanted);
      if (!(await identity.projects.exists(project))) throw noProject(project);
      const { webhook, secret } = await webhooks.create({ project, url, events, flow, actor: request.actor });
      return reply
        .code(201)
        .header('cache-control', 'no-store')
        .send({ ...view(webhook), secret });
    },
  );
}

function changeRoutes(app: App, context: RouteContext): void {
  const { webhooks } = context.services;

  app.post(
    '/v1/webhooks/:id/edit',
    {
      config: { needs: 'admin', scope: 'project', ifMatch: true },
      schema: {
        operationId: 'editWebhook',
        tags: ['webhooks'],
        summary: 'Change a webhook, disable it, or make it active again',
        params: WebhookPath,
        body: WebhookEdit,
        response: { 200: WebhookView, ...PROBLEMS },
      },
    },
    async request => {
      const { id } = await find(context, request, request.params.id);
      const { url, events, flow, state } = request.body;
      const changes = {
        ...(url !== undefined && { url }),
        ...(events !== undefined && { events }),
        ...(flow !== undefined && { flow }),
        ...(state !== undefined && { state }),
      };
      await webhooks.edit(id, changes, versionsOf(request));
      return view(await find(context, request, id));
    },
  );

  app.post(
    '/v1/webhooks/:id/remove',
    {
      config: { needs: 'admin', scope: 'project', ifMatch: true },
      schema: {
        operationId: 'removeWebhook',
        tags: ['webhooks'],
        summary: 'Remove a webhook, with what still waits for it',
        params: WebhookPath,
        response: { 200: WebhookView, ...PROBLEMS },
      },
    },
    async request => {
      const webhook = await find(context, request, request.params.id);
      await webhooks.remove(webhook.id, versionsOf(request));
      return view(webhook);
    },
  );
}

function secretRoutes(app: App, context: RouteContext): void {
  const { webhooks } = context.services;

  app.post(
    '/v1/webhooks/:id/rotate-secret',
    {
      config: { needs: 'admin', scope: 'project', repeat: 'secret' },
      schema: {
        operationId: 'rotateWebhookSecret',
        tags: ['webhooks'],
        summary: 'Give a webhook a new secret; for a day the old one signs too',
        params: WebhookPath,
        response: { 200: WebhookMade, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const webhook = await find(context, request, request.params.id);
      const secret = await webhooks.rotateSecret(webhook.id);
      reply.header('cache-control', 'no-store');
      return { ...view(webhook), secret };
    },
  );

  app.post(
    '/v1/webhooks/:id/test',
    {
      config: { needs: 'operate', scope: 'project' },
      schema: {
        operationId: 'testWebhook',
        tags: ['webhooks'],
        summary: 'Send a test event',
        params: WebhookPath,
        response: { 200: TestAnswer, ...PROBLEMS },
      },
    },
    async request => {
      const { id } = await find(context, request, request.params.id);
      return { delivery: await webhooks.test(id) };
    },
  );
}

function deliveryRoutes(app: App, context: RouteContext): void {
  const { webhooks } = context.services;

  app.get(
    '/v1/webhooks/:id/deliveries',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'webhookDeliveries',
        tags: ['webhooks'],
        summary: 'What was sent, what waits, and what was given up; newest first',
        params: WebhookPath,
        querystring: DeliveriesQuery,
        response: { 200: DeliveryList, ...PROBLEMS },
      },
    },
    async request => {
      const { id } = await find(context, request, request.params.id);
      const { state, ...query } = request.query;
      const keyOf = (row: DeliveryRow) => [Number(row.created), Number(row.position), row.id];
      const page = await keyedPage({ list: 'deliveries', shape: 'nns', keyOf }, query, slice =>
        webhooks.deliveries(id, state, slice),
      );
      return { ...page, items: page.items.map(viewDelivery) };
    },
  );

  app.post(
    '/v1/webhooks/:id/retry',
    {
      config: { needs: 'operate', scope: 'project' },
      schema: {
        operationId: 'retryWebhook',
        tags: ['webhooks'],
        summary: 'Send what was given up once more',
        params: WebhookPath,
        body: RetryBody,
        response: { 200: RetryAnswer, ...PROBLEMS },
      },
    },
    async request => {
      const { id } = await find(context, request, request.params.id);
      return { retried: await webhooks.retry(id, request.body.delivery) };
    },
  );
}

function viewDelivery(row: DeliveryRow): DeliveryView {
  return {
    id: row.id,
    event: row.event,
    type: row.type,
    msgid: Number(row.msgid) || null,
    state: row.state,
    attempts: Number(row.attempts),
    nextAt: row.state === 'pending' ? isoTime(Number(row.next_at)) : null,
    result: row.result,
    created: isoTime(Number(row.created)),
    updated: isoTime(Number(row.updated)),
  };
}
