import { SecretKeyList, SecretKeyPath } from '../../../api/secret/secret-key.ts';
import { ListQuery } from '../../../api/value.ts';
import { versionOf } from '../../../message/version/version.ts';
import { keysState, type SecretKeyState } from '../../../secret/secret-keys.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { versionsOf } from '../../exchange/etag.ts';
import { isoTime } from '../../message-view.ts';
import { pageInMemory } from '../../page.ts';

/** The keys by which secrets are sealed: which there are, a new one, and an end to an old one. Never the keys themselves. */
export function secretKeyRoutes(app: App, context: RouteContext): void {
  const { secretKeys } = context.services;

  app.get(
    '/v1/secret-keys',
    {
      config: { needs: 'view', scope: 'installation' },
      schema: {
        operationId: 'secretKeys',
        tags: ['server'],
        summary: 'The keys that secrets are sealed with, oldest first',
        querystring: ListQuery,
        response: { 200: SecretKeyList, ...PROBLEMS },
      },
    },
    async request => {
      request.head = versionOf(keysState(await secretKeys.list()));
      return list(context, request.query);
    },
  );

  changeRoutes(app, context);
}

async function list({ services: { secretKeys } }: RouteContext, query: ListQuery = {}) {
  const keyed = { list: 'secret-keys', shape: 'n', keyOf: ({ number }: SecretKeyState) => [number] };
  const { items, ...rest } = await pageInMemory(keyed, query, await secretKeys.list());
  return { items: items.map(viewKey), ...rest };
}

function changeRoutes(app: App, context: RouteContext): void {
  const { secretKeys } = context.services;

  app.post(
    '/v1/secret-keys/rotate',
    {
      config: { needs: 'admin', scope: 'installation', ifMatch: true },
      schema: {
        operationId: 'rotateSecretKey',
        tags: ['server'],
        summary: 'Make a new key: new secrets are sealed with it, old ones are still opened by theirs',
        response: { 200: SecretKeyList, ...PROBLEMS },
      },
    },
    async request => {
      await secretKeys.rotate(versionsOf(request));
      return list(context);
    },
  );

  app.post(
    '/v1/secret-keys/reseal',
    {
      config: { needs: 'admin', scope: 'installation', ifMatch: true },
      schema: {
        operationId: 'resealSecretKey',
        tags: ['server'],
        summary: 'Have all that was ever sealed come under the newest key; older ones are needed no more',
        response: { 200: SecretKeyList, ...PROBLEMS },
      },
    },
    async request => {
      await secretKeys.reseal(versionsOf(request));
      return list(context);
    },
  );

  app.post(
    '/v1/secret-keys/:id/drop',
    {
      config: { needs: 'admin', scope: 'installation', ifMatch: true },
      schema: {
        operationId: 'dropSecretKey',
        tags: ['server'],
        summary: 'Forget a key for good; refused while a message may need it',
        params: SecretKeyPath,
        response: { 200: SecretKeyList, ...PROBLEMS },
      },
    },
    async request => {
      await secretKeys.drop(request.params.id, versionsOf(request));
      return list(context);
    },
  );
}

const viewKey = ({ number: _, ...key }: SecretKeyState) => ({ ...key, created: isoTime(key.created) });
