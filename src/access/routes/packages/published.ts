import {
  PublishedList,
  PublishedPath,
  PublishedShow,
  type PublishedView,
} from '../../../api/package/repository.ts';
import { ListQuery } from '../../../api/value.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import type { PublishedPackage } from '../../../package/repository/published.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { isoTime } from '../../message-view.ts';
import { pageInMemory } from '../../page.ts';

/** Packages that are published. */
export function publishedRoutes(app: App, { services: { packages } }: RouteContext): void {
  app.get(
    '/v1/packages',
    {
      config: { needs: 'view', scope: 'installation' },
      schema: {
        operationId: 'packages',
        tags: ['packages'],
        summary: 'Versions of host packages, by name, the newest first',
        querystring: ListQuery,
        response: { 200: PublishedList, ...PROBLEMS },
      },
    },
    async ({ query }) => {
      const all = (await packages.state()) === null ? [] : await packages.packages();
      // By name, the newest first.
      const keyOf = ({ name, published, version }: PublishedPackage) => [name, -published, version];
      const page = await pageInMemory({ list: 'packages', shape: 'sns', keyOf }, query, all);
      return { ...page, items: page.items.map(view) };
    },
  );

  app.get(
    '/v1/packages/:name/:version',
    {
      config: { needs: 'view', scope: 'installation' },
      schema: {
        operationId: 'package',
        tags: ['packages'],
        summary: 'One version of a host package, with its manifest',
        params: PublishedPath,
        response: { 200: PublishedShow, ...PROBLEMS },
      },
    },
    async ({ params: { name, version } }) => {
      const all = (await packages.state()) === null ? [] : await packages.packages();
      const found = all.find(published => published.name === name && published.version === version);
      if (found === undefined)
        throw new CoaxError('COAX_PACKAGE_NOT_FOUND', `there is no package ${name}@${version}`, {
          where: `${name}@${version}`,
        });
      const { manifest } = await packages.contents.storedManifest(found);
      return { ...view(found), manifest: { ...manifest } };
    },
  );
}

const view = (published: PublishedPackage): PublishedView => ({
  ...published,
  dependencies: { ...published.dependencies },
  published: isoTime(published.published),
});
