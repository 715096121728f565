import type { HostView } from '../../inventory/host-view.ts';
import type { PlacementRequest } from '../../request.ts';
import { type Filter, most } from '../filter.ts';

/** Only hosts with a NUMA cell that takes the whole VM, when one was asked for. */
export const numa: Filter = {
  name: 'numa',
  isAsked: ({ request }) => request.numa !== 'none',
  passes(host, { request }) {
    if (request.numa === 'none') return true;
    // Mostly one cell has the most of both, and then there is no need to look at each.
    return host.isOneCellBest
      ? host.cellCpuMilliMost >= request.cpuMilli && host.cellMemMibMost >= request.memMib
      : cellFor(host, request) !== null;
  },
  why: host => `no cell has room: ${cellsText(host)}`,
  remedy(removed) {
    const best = most(removed, host => Math.max(...cellsOf(host).map(cell => cell.cpuMilli)));
    return {
      nearest: `${best.name} has ${cellsText(best)} free in its cells`,
      fix: 'ask for less, or leave numa out',
      byAsking: true,
    };
  },
};

/** Cell with the least room that is enough; -1 where the host tells of no cells and is one itself; null when none has room. */
export function cellFor(host: HostView, request: PlacementRequest): number | null {
  let best: number | null = null;
  let least = Number.POSITIVE_INFINITY;
  const cells = cellsOf(host);
  for (let index = 0; index < cells.length; index += 1) {
    const { cpuMilli, memMib } = cells[index]!;
    if (cpuMilli < request.cpuMilli || memMib < request.memMib || memMib >= least) continue;
    best = index;
    least = memMib;
  }
  return best !== null && host.cellsFree.length === 0 ? -1 : best;
}

const cellsOf = (host: HostView) =>
  host.cellsFree.length > 0 ? host.cellsFree : [{ cpuMilli: host.cpuMilliFree, memMib: host.memMibFree }];

const cellsText = (host: HostView): string =>
  cellsOf(host)
    .map(({ cpuMilli, memMib }) => `${Math.floor(cpuMilli / 1000)} CPUs with ${memMib} MiB`)
    .join(', ');
