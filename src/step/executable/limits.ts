import { z } from 'zod';
import type { ProcessLimits } from '../../linux/process/process-spec.ts';

const MIB = 1024 * 1024;
const mib = z
  .int()
  .min(1)
  .max(1024 * 1024);

/**
 * What a program may use, as `module.yaml`, `cgi.yaml` and `package.yaml` say it: `{memoryMib: 512, cpuSeconds: 60, openFiles: 64, processes: 100, cpus: 0.5,
 * readMibPerSecond: 50, writeMibPerSecond: 20}`, each optional.
 */
export const limitsText = z.strictObject({
  memoryMib: mib.optional(),
  cpuSeconds: z.int().min(1).max(86_400).optional(),
  openFiles: z.int().min(3).max(1_048_576).optional(),
  processes: z.int().min(1).max(4_194_304).optional(),
  cpus: z.number().min(0.01).max(1024).optional(),
  readMibPerSecond: mib.optional(),
  writeMibPerSecond: mib.optional(),
});
export type LimitsText = z.output<typeof limitsText>;

/** The same in the units of a run. */
export function limitsOf({
  memoryMib,
  cpuSeconds,
  openFiles,
  processes,
  cpus,
  readMibPerSecond,
  writeMibPerSecond,
}: LimitsText): ProcessLimits {
  return {
    ...(memoryMib !== undefined && { memoryBytes: memoryMib * MIB }),
    ...(cpuSeconds !== undefined && { cpuSeconds }),
    ...(openFiles !== undefined && { openFiles }),
    ...(processes !== undefined && { processes }),
    ...(cpus !== undefined && { cpus }),
    ...(readMibPerSecond !== undefined && { readBytesPerSecond: readMibPerSecond * MIB }),
    ...(writeMibPerSecond !== undefined && { writeBytesPerSecond: writeMibPerSecond * MIB }),
  };
}

export const limitsSchema = limitsText.transform(limitsOf);
