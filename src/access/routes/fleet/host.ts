import { FleetMapQuery, FleetMapView, HostList, HostShow } from '../../../api/host.ts';
import { LabelledListQuery, NamePath } from '../../../api/value.ts';
import type { FleetMap } from '../../../cloud/fleet-map.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { parseSelector } from '../../../message/carried/selector.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { keyedPage } from '../../page.ts';

export function hostRoutes(app: App, context: RouteContext): void {
  const { cloud } = context.services;
  fleetMapRoute(app, context);

  app.get(
    '/v1/hosts',
    {
      config: { needs: 'view', scope: 'installation' },
      schema: {
        operationId: 'hosts',
        tags: ['cloud'],
        summary: 'Hosts with what they have and what is left',
        querystring: LabelledListQuery,
        response: { 200: HostList, ...PROBLEMS },
      },
    },
    async ({ query }) => {
      const selector = parseSelector(query.selector ?? '');
      return keyedPage({ list: 'hosts', shape: 's', keyOf: ({ name }) => [name] }, query, async slice =>
        (await cloud.hosts({ ...slice, selector })).map(host => ({ ...host })),
      );
    },
  );

  app.get(
    '/v1/hosts/:name',
    {
      config: { needs: 'view', scope: 'installation' },
      schema: {
        operationId: 'host',
        tags: ['cloud'],
        summary: 'One host, with everything that is claimed of it',
        params: NamePath,
        response: { 200: HostShow, ...PROBLEMS },
      },
    },
    async ({ params: { name } }) => {
      const host = await cloud.host(name);
      if (host !== null)
        return { ...host, claims: host.claims.map(claim => ({ ...claim, gpus: [...claim.gpus] })) };
      throw new CoaxError('COAX_NOT_FOUND', `no host is called ${name}`, {
        where: name,
        hint: '`coax host ls` lists the hosts.',
      });
    },
  );
}

/** A map for all who look at it: made into text once, however many ask. */
function fleetMapRoute(app: App, { services: { cloud } }: RouteContext): void {
  let last: { readonly map: FleetMap; readonly text: string } | null = null;
  app.get(
    '/v1/fleet-map',
    {
      config: { needs: 'view', scope: 'installation' },
      schema: {
        operationId: 'fleetMap',
        tags: ['cloud'],
        summary: 'Every host in few bytes: state, place and load, as a heat map shows them',
        querystring: FleetMapQuery,
        response: { 200: FleetMapView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const map = await cloud.fleetMap(request.query.selector);
      if (last?.map !== map) last = { map, text: JSON.stringify(map) };
      return reply.type('application/json').send(last.text as never);
    },
  );
}
