import Fastify, { type FastifyBaseLogger } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { pino } from 'pino';
import type { App } from '../app.ts';
import { type AccessServer, listenOn } from '../listen-on.ts';

import { answerError } from '../problem.ts';
import { checkBySchema } from '../validation.ts';
import type { Health } from './health.ts';
import { healthRoutes } from './health-routes.ts';

/** Opens /livez and /readyz alone, for a process without the API. Errors: COAX_USAGE as for `openAccess`. */
export async function openHealth(
  health: Health,
  options: { readonly listen: string; readonly allowRemote: boolean },
): Promise<AccessServer> {
  const log: FastifyBaseLogger = pino({ level: 'warn' }, pino.destination(2));
  const app: App = Fastify({
    loggerInstance: log,
    forceCloseConnections: 'idle',
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(checkBySchema as never);
  app.setSerializerCompiler(() => data => JSON.stringify(data));
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
  healthRoutes(app, health);
  return listenOn(app, options.listen, options.allowRemote, {
    stop: () => app.close(),
    leave: async () => {},
  });
}
