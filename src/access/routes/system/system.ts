import { DoctorView, WorkerList } from '../../../api/system.ts';
import { ListQuery } from '../../../api/value.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { pageInMemory } from '../../page.ts';
import { unservedChecks } from '../../workers/unserved.ts';
import { viewWorkers } from '../../workers/worker-view.ts';
import { cgiChecks } from '../cgi/cgi-checks.ts';

export function systemRoutes(app: App, { services: { store, cloud, workers, cgi } }: RouteContext): void {
  app.get(
    '/v1/workers',
    {
      config: { needs: 'view', scope: 'installation' },
      schema: {
        operationId: 'workers',
        tags: ['server'],
        summary: 'Who is there, over all processes that share the store, with what code',
        querystring: ListQuery,
        response: { 200: WorkerList, ...PROBLEMS },
      },
    },
    async ({ query }) =>
      pageInMemory(
        { list: 'workers', shape: 'ss', keyOf: ({ name, process }) => [name, process] },
        query,
        viewWorkers(await workers.list()),
      ),
  );

  app.get(
    '/v1/doctor',
    {
      config: { needs: 'view', scope: 'installation' },
      schema: {
        operationId: 'doctor',
        tags: ['server'],
        summary: 'What this machine has and lacks, and what messages wait for that nobody serves',
        response: { 200: DoctorView, ...PROBLEMS },
      },
    },
    async () => ({
      items: [
        ...(await unservedChecks(store, workers)),
        ...(await cloud.doctor()).map(check => ({ ...check })),
        ...cgiChecks(cgi?.folder ?? null),
      ],
    }),
  );
}
