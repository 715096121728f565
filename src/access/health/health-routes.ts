import { z } from 'zod';
import { ReadyView } from '../../api/system.ts';
import { type App, PROBLEMS } from '../app.ts';
import type { Health } from './health.ts';

/** Health, without a token. */
export function healthRoutes(app: App, health: Health): void {
  app.get(
    '/livez',
    {
      config: { opens: 'anyone' },
      schema: {
        operationId: 'livez',
        tags: ['server'],
        summary: 'Is the process alive?',
        security: [],
        response: { 200: z.object({ ok: z.literal(true) }), ...PROBLEMS },
      },
    },
    async () => ({ ok: true as const }),
  );

  app.get(
    '/readyz',
    {
      config: { opens: 'anyone' },
      schema: {
        operationId: 'readyz',
        tags: ['server'],
        summary: 'Can it take work? 503 while it starts or drains, or its store is away; `faults` says which',
        security: [],
        response: { 200: ReadyView, ...PROBLEMS },
      },
    },
    async () => {
      await health.check();
      return { ok: true, version: health.version, simulated: health.simulated };
    },
  );
}
