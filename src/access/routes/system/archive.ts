import { ArchiveBody, ArchiveReportView } from '../../../api/archive.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';

export function archiveRoutes(app: App, { services }: RouteContext): void {
  app.post(
    '/v1/archive',
    {
      config: { needs: 'admin', scope: 'installation' },
      schema: {
        operationId: 'archive',
        tags: ['ledger'],
        summary: 'Move old finished messages to archive files',
        description: 'Each file is read back and verified before its messages leave the store.',
        body: ArchiveBody,
        response: { 200: ArchiveReportView, ...PROBLEMS },
      },
    },
    async ({ body: { olderThanMs, to } }) => {
      const report = await services.archive(olderThanMs, to ?? null);
      return { ...report, archives: report.archives.map(archive => ({ ...archive })) };
    },
  );
}
