import { NetworkList, NetworkView } from '../../api/network.ts';
import { NamePath } from '../../api/value.ts';
import { CoaxError } from '../../errors/coax-error.ts';
import { type App, PROBLEMS, type RouteContext } from '../app.ts';

export function networkRoutes(app: App, { services: { cloud } }: RouteContext): void {
  app.get(
    '/v1/networks',
    {
      schema: {
        operationId: 'networks',
        tags: ['cloud'],
        summary: 'Networks with the addresses they gave',
        response: { 200: NetworkList, ...PROBLEMS },
      },
    },
    async () => ({ items: (await cloud.networks()).map(network => ({ ...network })) }),
  );

  app.get(
    '/v1/networks/:name',
    {
      schema: {
        operationId: 'network',
        tags: ['cloud'],
        summary: 'One network',
        params: NamePath,
        response: { 200: NetworkView, ...PROBLEMS },
      },
    },
    async ({ params: { name } }) => {
      const network = (await cloud.networks()).find(network => network.name === name);
      if (network !== undefined) return { ...network };
      throw new CoaxError('COAX_NOT_FOUND', `there is no network "${name}"`, {
        where: name,
        hint: '`coax network ls` lists the networks.',
      });
    },
  );
}
