import { SecretKeyList, SecretKeyPath } from '../../../api/secret/secret-key.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { isoTime } from '../../message-view.ts';

/** The keys by which secrets are sealed: which there are, a new one, and an end to an old one. Never the keys themselves. */
export function secretKeyRoutes(app: App, { services: { secretKeys } }: RouteContext): void {
  const list = async () => ({
    items: (await secretKeys.list()).map(key => ({ ...key, created: isoTime(key.created) })),
  });

  app.get(
    '/v1/secret-keys',
    {
      config: { needs: 'view', scope: 'installation' },
      schema: {
        operationId: 'secretKeys',
        tags: ['server'],
        summary: 'The keys that secrets are sealed with, oldest first',
        response: { 200: SecretKeyList, ...PROBLEMS },
      },
    },
    list,
  );

  app.post(
    '/v1/secret-keys/rotate',
    {
      config: { needs: 'admin', scope: 'installation' },
      schema: {
        operationId: 'rotateSecretKey',
        tags: ['server'],
        summary: 'Make a new key: new secrets are sealed with it, old ones are still opened by theirs',
        response: { 200: SecretKeyList, ...PROBLEMS },
      },
    },
    async () => {
      await secretKeys.rotate();
      return list();
    },
  );

  app.post(
    '/v1/secret-keys/:id/drop',
    {
      config: { needs: 'admin', scope: 'installation' },
      schema: {
        operationId: 'dropSecretKey',
        tags: ['server'],
        summary: 'Forget a key for good; refused while a message may need it',
        params: SecretKeyPath,
        response: { 200: SecretKeyList, ...PROBLEMS },
      },
    },
    async ({ params: { id } }) => {
      await secretKeys.drop(id);
      return list();
    },
  );
}
