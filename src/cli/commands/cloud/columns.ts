import type { HostView } from '../../../api/host.ts';
import type { NetworkView } from '../../../api/network.ts';
import type { VmView } from '../../../api/vm.ts';
import { cell, type Output } from '../../output/output.ts';
import { styleStatus } from '../../output/style.ts';
import type { Column } from '../../output/table.ts';

/** Stands in every listing of what is not real. */
export const SIMULATED = 'SIMULATED';

const simulatedColumn = (out: Output): Column<{ simulated: boolean }> => ({
  head: 'NOTE',
  cell: row => (row.simulated ? out.style('yellow', SIMULATED) : ''),
});

export function vmColumns(out: Output): Column<VmView>[] {
  return [
    { head: 'NAME', cell: vm => cell(vm.name) },
    { head: 'STATE', cell: vm => styleStatus(out.style, vm.state) },
    { head: 'HOST', cell: vm => cell(vm.host) },
    { head: 'IP', cell: vm => cell(vm.ip) },
    { head: 'CPU', right: true, cell: vm => cell(vm.cpu) },
    { head: 'MEM', right: true, cell: vm => memory(vm.memMib) },
    { head: 'MSGID', right: true, cell: vm => cell(vm.msgid) },
    { head: out.timeHead('AGE', 'CREATED'), right: true, cell: vm => out.time(vm.created) },
    { head: 'PROJECT', wide: true, cell: vm => cell(vm.project) },
    { head: 'UUID', wide: true, cell: vm => cell(vm.uuid) },
    { head: 'URL', wide: true, cell: vm => cell(vm.url) },
    simulatedColumn(out),
  ];
}

export function hostColumns(out: Output): Column<HostView>[] {
  return [
    { head: 'NAME', cell: host => cell(host.name) },
    { head: 'STATE', cell: host => styleStatus(out.style, host.state) },
    { head: 'CPU', right: true, cell: host => `${host.cpu.used}/${host.cpu.total * host.cpu.overcommit}` },
    { head: 'MEM', right: true, cell: host => `${memory(host.memMib.used)}/${memory(host.memMib.total)}` },
    { head: 'VMS', right: true, cell: host => cell(host.vms) },
    { head: 'ZONE', cell: host => cell(host.zone) },
    { head: 'ACCEL', cell: host => cell(host.accelerator) },
    { head: 'NETWORK', wide: true, cell: host => cell(host.network) },
    { head: 'LABELS', wide: true, cell: host => labels(host.labels) },
    { head: 'AGENT', wide: true, cell: host => cell(host.agent?.version ?? null) },
    { head: 'ADDRESS', wide: true, cell: host => cell(host.agent?.address ?? null) },
    { head: 'SEEN', wide: true, cell: host => out.time(host.agent?.lastReport ?? host.seen) },
    { head: 'REASON', cell: host => cell(host.reason) },
    simulatedColumn(out),
  ];
}

export function networkColumns(out: Output): Column<NetworkView>[] {
  return [
    { head: 'NAME', cell: network => cell(network.name) },
    { head: 'CIDR', cell: network => cell(network.cidr) },
    { head: 'GATEWAY', cell: network => cell(network.gateway) },
    { head: 'USED', right: true, cell: network => network.addresses.used.toLocaleString('en') },
    { head: 'FREE', right: true, cell: network => network.addresses.free.toLocaleString('en') },
    { head: 'MODE', cell: network => cell(network.mode) },
    simulatedColumn(out),
  ];
}

export function labels(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${cell(name)}=${cell(value)}`)
    .join(',');
}

/** Memory in the unit that reads best: 512M, 4G, 1.5G. */
export function memory(mib: number): string {
  if (mib < 1024) return mib === 0 ? '0' : `${mib}M`;
  const gib = mib / 1024;
  return `${gib >= 100 || Number.isInteger(gib) ? Math.round(gib) : gib.toFixed(1)}G`;
}
