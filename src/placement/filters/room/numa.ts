import type { HostView } from '../../inventory/host-view.ts';
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
      : host.cellFor(request.cpuMilli, request.memMib) !== null;
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

function cellsOf(host: HostView) {
  const cells = host.cellsFree;
  return cells.length > 0 ? cells : [{ cpuMilli: host.cpuMilliFree, memMib: host.memMibFree }];
}

const cellsText = (host: HostView): string =>
  cellsOf(host)
    .map(({ cpuMilli, memMib }) => `${Math.floor(cpuMilli / 1000)} CPUs with ${memMib} MiB`)
    .join(', ');
