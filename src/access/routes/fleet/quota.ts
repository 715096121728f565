import type { FastifyRequest } from 'fastify';
import {
  type QuotaBody,
  QuotaBody as QuotaBodySchema,
  QuotaPath,
  QuotaView,
} from '../../../api/cloud/quota.ts';
import { changeQuota, type QuotaLimits, quotaOf } from '../../../cloud/quota/quotas.ts';
import { versionOf } from '../../../message/version/version.ts';
import { type Asking, assertMay, noProject } from '../../admission/access-to.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { versionsOf } from '../../exchange/etag.ts';

/** No queue is counted further. */
const QUEUED_MAX = 1_000_000_000;

export function quotaRoutes(app: App, context: RouteContext): void {
  const { store } = context.services;

  app.get(
    '/v1/projects/:name/quota',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'quota',
        tags: ['cloud'],
        summary: 'What a project may have, and what it has',
        params: QuotaPath,
        response: { 200: QuotaView, ...PROBLEMS },
      },
    },
    async request => {
      const project = await findProject(context, request, request.params.name);
      return viewQuota(context, project, request);
    },
  );

  app.post(
    '/v1/projects/:name/quota',
    {
      config: { needs: 'admin', scope: 'installation', ifMatch: true },
      schema: {
        operationId: 'setQuota',
        tags: ['cloud'],
        summary: 'Change what a project may have; what it has already stays',
        params: QuotaPath,
        body: QuotaBodySchema,
        response: { 200: QuotaView, ...PROBLEMS },
      },
    },
    async request => {
      const project = await findProject(context, request, request.params.name);
      await changeQuota(store, project, limitsOf(request.body), versionsOf(request));
      return viewQuota(context, project);
    },
  );
}

async function findProject({ services }: RouteContext, asking: Asking, name: string): Promise<string> {
  const missing = () => noProject(name);
  assertMay(asking, name, missing);
  if (!(await services.identity.projects.exists(name))) throw missing();
  return name;
}

const milli = (cpus: number | null): number | null => (cpus === null ? null : Math.round(cpus * 1000));

function limitsOf({ cpus, messages, ...same }: QuotaBody): Partial<QuotaLimits> {
  return {
    ...same,
    ...(cpus !== undefined && { cpuMilli: milli(cpus) }),
    ...(messages !== undefined && { messagesPerMinute: messages }),
  } as Partial<QuotaLimits>;
}

async function viewQuota(
  { services: { store } }: RouteContext,
  project: string,
  request?: FastifyRequest,
): Promise<QuotaView> {
  const { limits, used, messages } = await quotaOf(store, project);
  if (request !== undefined) request.head = versionOf(limits);
  const queued = await store.queued(QUEUED_MAX, project);
  return {
    project,
    limits: {
      vms: limits.vms,
      cpus: limits.cpuMilli === null ? null : limits.cpuMilli / 1000,
      memMib: limits.memMib,
      addresses: limits.addresses,
      messages: limits.messagesPerMinute,
      queued: limits.queued,
    },
    used: {
      vms: used.vms,
      cpus: used.cpuMilli / 1000,
      memMib: used.memMib,
      addresses: used.addresses,
      messages,
      queued,
    },
  };
}
