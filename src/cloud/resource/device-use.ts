import { invariant } from '../../errors/coax-error.ts';
import type { Room } from '../../placement/claim.ts';

/** CPU in thousandths and memory in MiB of one NUMA cell. */
export interface CellUse {
  readonly cpuMilli: number;
  readonly memMib: number;
}

/** What is claimed of each GPU and each NUMA cell of a host, as the store keeps it: JSON lists. */
export interface DeviceUse {
  readonly gpu_used: string;
  readonly numa_used: string;
}

type DeviceTotals = { readonly gpus: string; readonly numa: string };

/** The use after a claim has come (1) or gone (-1); null when a GPU or cell has not so much left. */
export function withRoom(
  totals: DeviceTotals,
  use: DeviceUse,
  claims: readonly Room[],
  sign: 1 | -1,
): DeviceUse | null {
  const gpus = JSON.parse(totals.gpus) as number[];
  const cells = JSON.parse(totals.numa) as CellUse[];
  const gpuUsed = gpusUsed(use.gpu_used, gpus.length);
  const cellUsed = cellsUsed(use.numa_used, cells.length);
  for (const { devices, gpuMilli, cell, cpuMilli, memMib } of claims) {
    for (const device of devices) {
      gpuUsed[device] = (gpuUsed[device] ?? 0) + sign * gpuMilli;
      if (sign > 0 && gpuUsed[device]! > (gpus[device] ?? 0)) return null;
    }
    if (cell < 0) continue;
    const was = cellUsed[cell] ?? { cpuMilli: 0, memMib: 0 };
    const now = { cpuMilli: was.cpuMilli + sign * cpuMilli, memMib: was.memMib + sign * memMib };
    const total = cells[cell] ?? { cpuMilli: 0, memMib: 0 };
    if (sign > 0 && (now.cpuMilli > total.cpuMilli || now.memMib > total.memMib)) return null;
    cellUsed[cell] = now;
  }
  invariant(
    gpuUsed.every(used => used >= 0),
    'more of a GPU is given back than was claimed',
  );
  return { gpu_used: JSON.stringify(gpuUsed), numa_used: JSON.stringify(cellUsed) };
}

/** Thousandths claimed of each GPU; one that is not told counts as 0. */
export function gpusUsed(text: string, count: number): number[] {
  const used = JSON.parse(text) as number[];
  return Array.from({ length: Math.max(count, used.length) }, (_, device) => used[device] ?? 0);
}

/** What is claimed of each NUMA cell; one that is not told counts as free. */
export function cellsUsed(text: string, count: number): CellUse[] {
  const used = JSON.parse(text) as CellUse[];
  return Array.from(
    { length: Math.max(count, used.length) },
    (_, cell) => used[cell] ?? { cpuMilli: 0, memMib: 0 },
  );
}
