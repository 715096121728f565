import { z } from 'zod';
import type { ProcessLimits } from '../../linux/process/process-spec.ts';

const MIB = 1024 * 1024;

/** What a program may use, as `module.yaml` and `cgi.yaml` say it: `{memoryMib: 512, cpuSeconds: 60, openFiles: 64}`, each optional. */
export const limitsSchema = z
  .strictObject({
    memoryMib: z
      .int()
      .min(1)
      .max(1024 * 1024)
      .optional(),
    cpuSeconds: z.int().min(1).max(86_400).optional(),
    openFiles: z.int().min(3).max(1_048_576).optional(),
  })
  .transform(
    ({ memoryMib, cpuSeconds, openFiles }): ProcessLimits => ({
      ...(memoryMib !== undefined && { memoryBytes: memoryMib * MIB }),
      ...(cpuSeconds !== undefined && { cpuSeconds }),
      ...(openFiles !== undefined && { openFiles }),
    }),
  );
