import {
  PlanAnswer,
  PlanBody,
  PolicyList,
  RebalanceAnswer,
  RebalanceBody,
  ReservationList,
} from '../../../api/cloud/placement.ts';
import { ProjectListQuery } from '../../../api/message.ts';
import { ListQuery, NamePath } from '../../../api/value.ts';
import { wishesOf } from '../../../cloud/plan/wishes-of.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { checkParameters } from '../../../flow/check-parameters.ts';
import { projectsToShow } from '../../admission/access-to.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { keyedPage, pageInMemory } from '../../page.ts';
import { findFlow, planNow } from '../../submit.ts';

export function placementRoutes(app: App, context: RouteContext): void {
  planRoute(app, context);
  listRoutes(app, context);
}

function planRoute(app: App, { services }: RouteContext): void {
  const { cloud, catalogue } = services;

  app.post(
    '/v1/flows/:name/plan',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'plan',
        tags: ['cloud'],
        summary: 'Where the VMs of a flow would land; nothing is written',
        params: NamePath,
        body: PlanBody,
        response: { 200: PlanAnswer, ...PROBLEMS },
      },
    },
    async ({ params: { name }, body: { parameters, count } }) => {
      const flow = findFlow(services, name);
      const wishes = wishesOf(planNow(flow, catalogue).steps, checkParameters(flow, parameters ?? {}));
      if (wishes.length === 0) {
        throw new CoaxError('COAX_USAGE', `flow ${name} places no VM`, {
          where: '/name',
          hint: 'A flow that does has the step `resource select_host`.',
        });
      }
      return { flow: name, ...(await cloud.placement.plan(wishes, count)) };
    },
  );
}

function listRoutes(app: App, { services: { cloud } }: RouteContext): void {
  app.get(
    '/v1/policies',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'policies',
        tags: ['cloud'],
        summary: 'Placement policies, and who is placed by which',
        querystring: ListQuery,
        response: { 200: PolicyList, ...PROBLEMS },
      },
    },
    ({ query }) => {
      // As they stand in their file.
      const policies = cloud.placement.policies();
      return pageInMemory(
        { list: 'policies', shape: 'n', keyOf: policy => [policies.indexOf(policy)] },
        query,
        policies,
      );
    },
  );

  app.post(
    '/v1/rebalance-plan',
    {
      config: { needs: 'view', scope: 'installation' },
      schema: {
        operationId: 'planRebalance',
        tags: ['cloud'],
        summary: 'Which moves of VMs would free how many hosts; nothing is written',
        body: RebalanceBody,
        response: { 200: RebalanceAnswer, ...PROBLEMS },
      },
    },
    async ({ body: { moves } }) => await cloud.placement.planRebalance(moves),
  );

  app.get(
    '/v1/reservations',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'reservations',
        tags: ['cloud'],
        summary: 'Room that is held for VMs which name it',
        querystring: ProjectListQuery,
        response: { 200: ReservationList, ...PROBLEMS },
      },
    },
    async request => {
      const { project, ...query } = request.query;
      const { projects } = projectsToShow(request, project);
      return keyedPage({ list: 'reservations', shape: 's', keyOf: ({ name }) => [name] }, query, slice =>
        cloud.placement.reservations(projects, slice),
      );
    },
  );
}
