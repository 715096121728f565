import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Graphics processors of one model: `model` is `VENDOR:DEVICE`, four hex digits each, as `lspci -n` shows it. */
export interface Gpus {
  readonly model: string;
  readonly count: number;
}

/** Processors with the memory that is near to them. */
export interface NumaCell {
  readonly cpus: number;
  readonly memMib: number;
}

/** PCI class 03: display controllers. Source: PCI Code and ID Assignment Specification. */
const DISPLAY = /^0x03/;

/** The graphics processors on the PCI bus, by model. Source: Documentation/ABI/testing/sysfs-bus-pci. */
export function readGpus(sys = '/sys'): Gpus[] {
  const devices = join(sys, 'bus/pci/devices');
  const counts = new Map<string, number>();
  for (const name of namesIn(devices)) {
    const device = join(devices, name);
    if (!DISPLAY.test(line(join(device, 'class')))) continue;
    const model = [line(join(device, 'vendor')), line(join(device, 'device'))]
      .map(id => id.replace(/^0x/, ''))
      .join(':');
    counts.set(model, (counts.get(model) ?? 0) + 1);
  }
  return [...counts].map(([model, count]) => ({ model, count })).sort((a, b) => (a.model < b.model ? -1 : 1));
}

/** The NUMA cells in their order; none where the kernel knows of none. Source: Documentation/ABI/stable/sysfs-devices-node. */
export function readNuma(sys = '/sys'): NumaCell[] {
  const nodes = join(sys, 'devices/system/node');
  return namesIn(nodes)
    .filter(name => /^node\d+$/.test(name))
    .sort((a, b) => Number(a.slice(4)) - Number(b.slice(4)))
    .map(name => ({
      cpus: countOf(line(join(nodes, name, 'cpulist'))),
      memMib: Math.floor(
        Number(/MemTotal:\s+(\d+) kB/.exec(text(join(nodes, name, 'meminfo')))?.[1] ?? 0) / 1024,
      ),
    }));
}

/** How many numbers a list such as `0-3,8` names. */
function countOf(list: string): number {
  return list
    .split(',')
    .filter(range => range !== '')
    .map(range => range.split('-').map(Number))
    .reduce((sum, [from = 0, to = from]) => sum + to - from + 1, 0);
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

const line = (file: string): string => text(file).trim();

/** A device may go while it is looked at. */
function text(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
