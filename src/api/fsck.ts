import { z } from 'zod';

export const FsckFaultView = z
  .looseObject({
    kind: z.string().meta({ description: 'What kind of damage.', examples: ['hash'] }),
    reason: z.string(),
    where: z.string().optional().meta({ description: 'The row or the guest.' }),
    hint: z.string().optional(),
    msgid: z.int().optional(),
    seq: z.int().optional(),
    id: z.string().optional().meta({ description: 'Id of the commit, or hash of the plan.' }),
  })
  .meta({ id: 'FsckFault', description: 'Something that does not verify.' });
export type FsckFaultView = z.infer<typeof FsckFaultView>;

/** More members (counts, duration) may stand in it. */
export const FsckReportView = z
  .looseObject({
    ok: z.boolean(),
    faults: z.array(FsckFaultView),
    notes: z.array(z.string()).optional().meta({
      description:
        'VMs that a host has running or stopped otherwise than is on record, with the command that mends it; and what could not be compared: hosts that are not heard of. No faults.',
    }),
  })
  .meta({ id: 'FsckReport' });
export type FsckReportView = z.infer<typeof FsckReportView>;
