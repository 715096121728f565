import { z } from 'zod';

export const FsckFaultView = z
  .looseObject({ kind: z.string(), where: z.string(), reason: z.string() })
  .meta({ id: 'FsckFault', description: 'A place where stored data does not verify.' });
export type FsckFaultView = z.infer<typeof FsckFaultView>;

export const FsckReportView = z
  .looseObject({ ok: z.boolean(), faults: z.array(FsckFaultView) })
  .meta({ id: 'FsckReport' });
export type FsckReportView = z.infer<typeof FsckReportView>;
