import { NetworkList, NetworkView } from '../../../api/network.ts';
import { ListQuery, NamePath } from '../../../api/value.ts';
import type { NetworkView as CloudNetworkView } from '../../../cloud/cloud.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { keyedPage } from '../../page.ts';

export function networkRoutes(app: App, { services: { cloud } }: RouteContext): void {
  app.get(
    '/v1/networks',
    {
      config: { needs: 'view', scope: 'installation' },
      schema: {
        operationId: 'networks',
        tags: ['cloud'],
        summary: 'Networks with the addresses they gave',
        querystring: ListQuery,
        response: { 200: NetworkList, ...PROBLEMS },
      },
    },
    async ({ query }) =>
      keyedPage({ list: 'networks', shape: 's', keyOf: ({ name }) => [name] }, query, async slice =>
        (await cloud.networks(slice)).map(viewNetwork),
      ),
  );

  app.get(
    '/v1/networks/:name',
    {
      config: { needs: 'view', scope: 'installation' },
      schema: {
        operationId: 'network',
        tags: ['cloud'],
        summary: 'One network',
        params: NamePath,
        response: { 200: NetworkView, ...PROBLEMS },
      },
    },
    async ({ params: { name } }) => {
      const network = await cloud.network(name);
      if (network !== null) return viewNetwork(network);
      throw new CoaxError('COAX_NOT_FOUND', `there is no network "${name}"`, {
        where: name,
        hint: '`coax network ls` lists the networks.',
      });
    },
  );
}

/** Only the types differ: a view's lists are not readonly. */
const viewNetwork = (network: CloudNetworkView): NetworkView => ({ ...network }) as NetworkView;
