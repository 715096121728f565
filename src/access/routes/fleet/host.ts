import { HostList } from '../../../api/host.ts';
import { NamedListQuery } from '../../../api/value.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { namedPage } from '../../page.ts';

export function hostRoutes(app: App, { services: { cloud } }: RouteContext): void {
  app.get(
    '/v1/hosts',
    {
      config: { needs: 'view', scope: 'installation' },
      schema: {
        operationId: 'hosts',
        tags: ['cloud'],
        summary: 'Hosts with what they have and what is left',
        querystring: NamedListQuery,
        response: { 200: HostList, ...PROBLEMS },
      },
    },
    async ({ query }) => {
      const hosts = (await cloud.hosts()).map(host => ({ ...host }));
      return namedPage(hosts, query, ({ zone, rack, labels }) => ({ zone, rack, ...labels }));
    },
  );
}
