import { RolloutPath, RolloutView } from '../../../api/package/rollout.ts';
import { rolloutProgress } from '../../../cloud/rollout/rollout-views.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { findMessage } from '../messages/message.ts';

/** Rollouts of packages. */
export function rolloutRoutes(app: App, context: RouteContext): void {
  app.get(
    '/v1/rollouts/:msgid',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'rollout',
        tags: ['packages'],
        summary: 'How far a rollout is: its waves, and the hosts that failed',
        params: RolloutPath,
        response: { 200: RolloutView, ...PROBLEMS },
      },
    },
    async request => {
      const { msgid } = await findMessage(context, request, request.params.msgid);
      const progress = await rolloutProgress(context.services.store, msgid);
      if (progress === null)
        throw new CoaxError('COAX_NOT_FOUND', `message ${msgid} is no rollout, or has not begun`, {
          where: String(msgid),
          hint: '`coax ls --flow rollout_package` lists them.',
        });
      return {
        ...progress,
        waves: progress.waves.map(wave => ({ ...wave })),
        failed: progress.failed.map(host => ({ ...host })),
        skipped: [...progress.skipped],
      };
    },
  );
}
