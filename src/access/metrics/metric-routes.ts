import { z } from 'zod';
import { type App, PROBLEMS, type RouteContext } from '../app.ts';
import type { BodyBytes } from '../limits/body-bytes.ts';
import { MetricsPage } from './metrics-page.ts';
import { Requests } from './requests.ts';
import { Tally } from './tally.ts';

/** Text format of Prometheus. */
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Counts from now on; the page is at /metrics, with a token as everything that tells of messages. */
export function metricRoutes(scope: App, { services, hub }: RouteContext, bodies: BodyBytes): void {
  const tally = new Tally();
  hub.onAny((_position, event) => tally.count(event));
  const requests = new Requests();
  scope.addHook('onResponse', (request, reply, done) => {
    const { operationId } = (request.routeOptions.schema ?? {}) as { operationId?: string };
    if (operationId !== undefined) requests.count(operationId, reply.statusCode, reply.elapsedTime / 1000);
    done();
  });
  const page = new MetricsPage({
    tally,
    requests: requests.tallies,
    bodies,
    counts: () => services.store.counts(),
    awaiting: () => services.store.countAwaiting(),
    workers: () => services.workers.list(),
    placement: () => services.cloud.placementFigures(),
    webhooks: () => services.webhooks.figures(),
  });

  scope.get(
    '/metrics',
    {
      config: { needs: 'view', scope: 'installation' },
      schema: {
        operationId: 'metrics',
        tags: ['server'],
        summary: 'Figures for Prometheus: messages, transitions, steps, workers, requests, the process',
        response: {
          200: { description: 'Text format 0.0.4.', content: { 'text/plain': { schema: z.string() } } },
          ...PROBLEMS,
        },
      },
    },
    async (_request, reply) => reply.type(METRICS_TYPE).send(await page.text()),
  );
}
