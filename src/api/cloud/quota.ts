import { z } from 'zod';
import { ProjectName } from '../message.ts';

const Whole = z.int().min(0).max(1_000_000_000);
const Cpus = z.number().min(0).max(1_000_000_000);

export const QuotaPath = z.object({ name: ProjectName });

const LIMITS = {
  vms: Whole.nullable().meta({ description: 'VMs.' }),
  cpus: Cpus.nullable().meta({ description: 'CPUs that hosts keep for it.' }),
  memMib: Whole.nullable().meta({ description: 'MiB of memory that hosts keep for it.' }),
  addresses: Whole.nullable().meta({ description: 'Addresses.' }),
  messages: Whole.nullable().meta({ description: 'Messages accepted in one minute of the clock.' }),
  queued: Whole.nullable().meta({ description: 'Messages that wait for a worker.' }),
};

export const QuotaBody = z
  .strictObject(LIMITS)
  .partial()
  .meta({ id: 'QuotaRequest', description: 'Limits to change; null takes one away.' });
export type QuotaBody = z.input<typeof QuotaBody>;

export const QuotaView = z
  .object({
    project: z.string(),
    limits: z.object(LIMITS).meta({ description: 'null: no limit.' }),
    used: z
      .object({
        vms: z.int(),
        cpus: z.number(),
        memMib: z.int(),
        addresses: z.int(),
        messages: z.int().meta({ description: 'In this minute; counted only where there is a limit.' }),
        queued: z.int(),
      })
      .meta({ description: 'What its messages hold now.' }),
  })
  .meta({ id: 'Quota', description: 'What a project may have, and what it has.' });
export type QuotaView = z.infer<typeof QuotaView>;
