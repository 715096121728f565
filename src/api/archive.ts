import { z } from 'zod';

export const ArchiveBody = z
  .strictObject({
    olderThanMs: z.int().min(0).meta({ description: 'Finished messages that have not changed for so long.' }),
    to: z.string().max(1000).optional().meta({
      description: "A folder of the server's machine, or s3://bucket/prefix; else the server's own place.",
    }),
  })
  .meta({ id: 'Archive' });
export type ArchiveBody = z.infer<typeof ArchiveBody>;

const counts = { messages: z.int(), commits: z.int(), bytes: z.int() };

export const ArchiveReportView = z
  .object({
    place: z.string(),
    archives: z.array(z.object({ name: z.string(), ...counts })),
    ...counts,
    kept: z.int().meta({ description: 'Messages that changed meanwhile and stay in the store.' }),
  })
  .meta({ id: 'ArchiveReport' });
export type ArchiveReportView = z.infer<typeof ArchiveReportView>;
