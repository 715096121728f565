import { z } from 'zod';
import { DoctorView, ReadyView, WorkerList } from '../../api/system.ts';
import { CoaxError } from '../../errors/coax-error.ts';
import { type App, PROBLEMS, type RouteContext } from '../app.ts';

export function systemRoutes(app: App, { services, httpWorkers }: RouteContext): void {
  const { store, cloud } = services;

  app.get(
    '/v1/workers',
    {
      schema: {
        operationId: 'workers',
        tags: ['server'],
        summary: 'Workers: those in the server, and those that speak over HTTP',
        response: { 200: WorkerList, ...PROBLEMS },
      },
    },
    async () => {
      const own = services.workers().map(({ name, addresses, claims }) => ({
        name,
        kind: 'server' as const,
        addresses: [...addresses],
        claims,
        seen: null,
      }));
      return { items: [...own, ...httpWorkers.views(store.now())] };
    },
  );

  app.get(
    '/v1/doctor',
    {
      schema: {
        operationId: 'doctor',
        tags: ['server'],
        summary: 'What this machine has and lacks',
        response: { 200: DoctorView, ...PROBLEMS },
      },
    },
    async () => ({ items: (await cloud.doctor()).map(check => ({ ...check })) }),
  );
}

/** Health, without a token. */
export function healthRoutes(app: App, { services, closing }: RouteContext): void {
  const { store, version, simulated } = services;

  app.get(
    '/livez',
    {
      schema: {
        operationId: 'livez',
        tags: ['server'],
        summary: 'Is the process alive?',
        security: [],
        response: { 200: z.object({ ok: z.literal(true) }) },
      },
    },
    async () => ({ ok: true as const }),
  );

  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'readyz',
        tags: ['server'],
        summary: 'Can it take requests?',
        security: [],
        response: { 200: ReadyView, ...PROBLEMS },
      },
    },
    async () => {
      if (closing.aborted)
        throw new CoaxError('COAX_STORE_UNAVAILABLE', 'the server is closing', { retryAfterMs: 1000 });
      await store.counts();
      return { ok: true, version, simulated };
    },
  );
}
