import {
  CollectAnswer,
  CollectAsked,
  KeyView,
  OnlineKeyAsked,
  RepositoryInit,
  RepositoryRotate,
  RepositoryView,
} from '../../../api/package/repository.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import type { RepositoryState } from '../../../package/repository/repository.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { isoTime } from '../../message-view.ts';

const NONE_YET = { ...PROBLEMS.default, description: 'There is no repository yet.' };

/** The repository of host packages: how it stands, and who may sign for it. */
export function repositoryRoutes(app: App, context: RouteContext): void {
  stateRoutes(app, context);
  collectRoute(app, context);
  rootRoutes(app, context);
}

function stateRoutes(app: App, { services: { packages } }: RouteContext): void {
  app.get(
    '/v1/package-repository',
    {
      config: { needs: 'view', scope: 'installation' },
      schema: {
        operationId: 'repository',
        tags: ['packages'],
        summary: 'The repository of host packages: who may sign, and until when it holds',
        response: { 200: RepositoryView, 404: NONE_YET, ...PROBLEMS },
      },
    },
    async () => viewRepository((await packages.state()) ?? none()),
  );

  app.post(
    '/v1/package-repository/refresh',
    {
      config: { needs: 'operate', scope: 'installation' },
      schema: {
        operationId: 'refreshRepository',
        tags: ['packages'],
        summary: 'Sign snapshot and timestamp anew now; the server does it by itself before they expire',
        response: { 200: RepositoryView, ...PROBLEMS },
      },
    },
    async () => {
      await packages.renew(true);
      return viewRepository((await packages.state()) ?? none());
    },
  );
}

function collectRoute(app: App, { services: { packages } }: RouteContext): void {
  app.post(
    '/v1/package-repository/collect',
    {
      config: { needs: 'admin', scope: 'installation' },
      schema: {
        operationId: 'collectRepository',
        tags: ['packages'],
        summary: 'Delete manifests and contents that no published package has named for a while',
        description:
          'What is noted as unnamed for the first time waits from then on. What a publisher has brought and not yet published has as long.',
        body: CollectAsked,
        response: { 200: CollectAnswer, ...PROBLEMS },
      },
    },
    async ({ body }) => {
      const { next, removed, ...counts } = await packages.collect(body);
      return { ...counts, removed: [...removed], next: next === null ? null : isoTime(next) };
    },
  );
}

function rootRoutes(app: App, { services: { packages } }: RouteContext): void {
  app.post(
    '/v1/package-repository/online-key',
    {
      config: { needs: 'admin', scope: 'installation' },
      schema: {
        operationId: 'repositoryOnlineKey',
        tags: ['packages'],
        summary:
          "The server's own key, which signs snapshots and timestamps, or the next one; made when it is first asked for",
        body: OnlineKeyAsked,
        response: { 200: KeyView, ...PROBLEMS },
      },
    },
    async ({ body: { next } }) => (next ? packages.nextOnlineKey() : packages.onlineKey()),
  );

  app.post(
    '/v1/package-repository/init',
    {
      config: { needs: 'admin', scope: 'installation' },
      schema: {
        operationId: 'initRepository',
        tags: ['packages'],
        summary: 'Begin the repository, with its first root and targets of no package',
        body: RepositoryInit,
        response: { 200: RepositoryView, ...PROBLEMS },
      },
    },
    async ({ body }) =>
      viewRepository(
        await packages.init({ root: Buffer.from(body.root), targets: Buffer.from(body.targets) }),
      ),
  );

  app.post(
    '/v1/package-repository/rotate',
    {
      config: { needs: 'admin', scope: 'installation' },
      schema: {
        operationId: 'rotateRepository',
        tags: ['packages'],
        summary: 'The next root: other keys, other thresholds, a later end',
        description:
          'Enough keys of the root before sign it, and enough of its own. `targets`: signed anew, when their keys change.',
        body: RepositoryRotate,
        response: { 200: RepositoryView, ...PROBLEMS },
      },
    },
    async ({ body: { root, targets } }) =>
      viewRepository(
        await packages.rotate({
          root: Buffer.from(root),
          ...(targets !== undefined && { targets: Buffer.from(targets) }),
        }),
      ),
  );
}

export function viewRepository({
  root,
  targets,
  snapshot,
  timestamp,
  online,
  ...rest
}: RepositoryState): RepositoryView {
  const role = <T extends { readonly expires: number }>(state: T) => ({
    ...state,
    expires: isoTime(state.expires),
  });
  const signers = (state: RepositoryState['root']) => ({
    ...role(state),
    keys: state.keys.map(({ id, public: half }) => ({ id, public: half })),
  });
  return {
    ...rest,
    root: signers(root),
    targets: signers(targets),
    snapshot: role(snapshot),
    timestamp: role(timestamp),
    online: online && {
      id: online.id,
      public: online.public,
      algorithm: 'ed25519',
      since: isoTime(online.since),
      until: isoTime(Math.min(snapshot.expires, timestamp.expires)),
    },
  };
}

function none(): never {
  throw new CoaxError('COAX_NOT_FOUND', 'there is no repository of packages yet', {
    where: 'repository',
    hint: '`coax repository init` makes it.',
  });
}
