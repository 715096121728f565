import { Readable } from 'node:stream';
import { z } from 'zod';
import { FsckReportView } from '../../../api/fsck.ts';
import { ProjectQuery } from '../../../api/message.ts';
import { projectsToShow } from '../../admission/access-to.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';

export function fsckRoutes(app: App, { services }: RouteContext): void {
  app.post(
    '/v1/fsck',
    {
      config: { needs: 'operate', scope: 'installation', repeat: 'harmless' },
      schema: {
        operationId: 'fsck',
        tags: ['ledger'],
        summary: 'Verify every hash, chain, allocation and row',
        response: { 200: FsckReportView, ...PROBLEMS },
      },
    },
    async () => {
      const report = await services.fsck();
      return {
        ...report,
        ok: report.faults.length === 0,
        faults: report.faults.map(fault => ({ ...fault })),
        notes: [...(report.notes ?? [])],
      };
    },
  );

  app.get(
    '/v1/export',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'export',
        tags: ['ledger'],
        summary: 'The ledger as a stream for `git fast-import`: of the projects that you may look at',
        querystring: ProjectQuery,
        response: {
          200: { description: 'A stream.', content: { 'text/plain': { schema: z.string() } } },
          ...PROBLEMS,
        },
      },
    },
    async (request, reply) => {
      const { projects } = projectsToShow(request, request.query.project);
      const stream = Readable.from(services.exportGit(projects), { objectMode: false });
      // The route's type knows JSON answers only.
      return reply.type('text/plain; charset=utf-8').send(stream as unknown as string);
    },
  );
}
