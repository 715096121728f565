import type { PlacementClaim } from '../../placement/claim.ts';
import { claimOf } from '../resource/claim-detail.ts';
import { type CellUse, cellsUsed, gpusUsed } from '../resource/device-use.ts';
import { limitsOf, usedOf } from '../resource/host-figures.ts';
import type { HostRow } from '../schema.ts';
import type { Books } from './books.ts';
import { type FsckFault, REPORT } from './fsck-fault.ts';

/** What a host counts, its claims, or its limits come to: `3 CPUs and 4096 MiB`, and more where there is more. */
interface Sum {
  cpuMilli: number;
  memMib: number;
  diskMib: number;
  vms: number;
  /** Thousandths of each GPU. */
  gpus: number[];
  cells: CellUse[];
}

/** Every host counts what its claims add up to, and no more than it has. */
export function checkCapacity({ hosts, claims }: Pick<Books, 'hosts' | 'claims'>): FsckFault[] {
  const faults: FsckFault[] = [];
  const fault = (where: string, reason: string, hint = REPORT): void => {
    faults.push({ kind: 'capacity', where, reason, hint });
  };
  const sums = new Map(hosts.map(host => [host.name, emptySum(host)]));
  for (const { key, detail } of claims) {
    const claim = claimOf(key, detail);
    const sum = sums.get(claim.host);
    if (sum) add(sum, claim);
    else fault(`claim ${key}`, `it is on host ${claim.host}, which does not exist`);
  }
  for (const host of hosts) {
    const counted = countedBy(host);
    const sum = sums.get(host.name)!;
    if (JSON.stringify(counted) !== JSON.stringify(sum))
      fault(
        `host ${host.name}`,
        `it counts ${textOf(counted, sum)} as used; its claims add up to ${textOf(sum, counted)}`,
      );
    const over = overcommitted(host, sum);
    if (over)
      fault(
        `host ${host.name}`,
        over,
        'If it has shrunk, move VMs away or remove some; if not, report this.',
      );
  }
  return faults;
}

const emptySum = (host: HostRow): Sum => ({
  cpuMilli: 0,
  memMib: 0,
  diskMib: 0,
  vms: 0,
  gpus: gpusUsed('[]', gpusUsed(host.gpu_used, gpusOf(host).length).length),
  cells: cellsUsed('[]', cellsUsed(host.numa_used, cellsOf(host).length).length),
});

const gpusOf = (host: HostRow): number[] => JSON.parse(host.gpus) as number[];
const cellsOf = (host: HostRow): CellUse[] => JSON.parse(host.numa) as CellUse[];

const countedBy = (host: HostRow): Sum => ({
  ...usedOf(host),
  gpus: gpusUsed(host.gpu_used, gpusOf(host).length),
  cells: cellsUsed(host.numa_used, cellsOf(host).length),
});

function add(sum: Sum, { cpuMilli, memMib, diskMib, devices, gpuMilli, cell }: PlacementClaim): void {
  sum.cpuMilli += cpuMilli;
  sum.memMib += memMib;
  sum.diskMib += diskMib;
  sum.vms += 1;
  for (const device of devices) sum.gpus[device] = (sum.gpus[device] ?? 0) + gpuMilli;
  if (cell < 0) return;
  const was = sum.cells[cell] ?? { cpuMilli: 0, memMib: 0 };
  sum.cells[cell] = { cpuMilli: was.cpuMilli + cpuMilli, memMib: was.memMib + memMib };
}

/** CPUs and memory always, the rest where the two differ. */
function textOf(sum: Sum, other: Sum): string {
  const parts = [`${sum.cpuMilli / 1000} CPUs`, `${sum.memMib} MiB`];
  if (sum.diskMib !== other.diskMib) parts.push(`${sum.diskMib} MiB of disk`);
  if (sum.vms !== other.vms) parts.push(`${sum.vms} VMs`);
  if (JSON.stringify(sum.gpus) !== JSON.stringify(other.gpus)) parts.push(`GPUs ${JSON.stringify(sum.gpus)}`);
  if (JSON.stringify(sum.cells) !== JSON.stringify(other.cells))
    parts.push(`cells ${JSON.stringify(sum.cells)}`);
  return parts.length === 2 ? parts.join(' and ') : parts.join(', ');
}

/** Names the first figure of which more is claimed than there is; empty when there is none. */
function overcommitted(host: HostRow, sum: Sum): string {
  const limit = limitsOf(host);
  const of = (what: string, used: number, most: number) => `${used} ${what} are claimed of at most ${most}`;
  if (sum.cpuMilli > limit.cpuMilli) return of('CPUs', sum.cpuMilli / 1000, limit.cpuMilli / 1000);
  if (sum.memMib > limit.memMib) return of('MiB', sum.memMib, limit.memMib);
  if (sum.diskMib > limit.diskMib) return of('MiB of disk', sum.diskMib, limit.diskMib);
  if (sum.vms > limit.vms) return of('VMs', sum.vms, limit.vms);
  const gpus = gpusOf(host);
  const gpu = sum.gpus.findIndex((used, at) => used > (gpus[at] ?? 0));
  if (gpu >= 0) return of(`thousandths of GPU ${gpu}`, sum.gpus[gpu]!, gpus[gpu] ?? 0);
  const cells = cellsOf(host);
  const cell = sum.cells.findIndex(
    (used, at) => used.cpuMilli > (cells[at]?.cpuMilli ?? 0) || used.memMib > (cells[at]?.memMib ?? 0),
  );
  return cell >= 0 ? `more is claimed of NUMA cell ${cell} than it has` : '';
}
