import { HostList } from '../../../api/host.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';

export function hostRoutes(app: App, { services: { cloud } }: RouteContext): void {
  app.get(
    '/v1/hosts',
    {
      config: { needs: 'view', scope: 'installation' },
      schema: {
        operationId: 'hosts',
        tags: ['cloud'],
        summary: 'Hosts with what they have and what is left',
        response: { 200: HostList, ...PROBLEMS },
      },
    },
    async () => ({ items: (await cloud.hosts()).map(host => ({ ...host })) }),
  );
}
