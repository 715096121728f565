import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Pressure, readPressureFile, textOrNull } from './pressure.ts';
import { readProc } from './read-proc.ts';

/** The control groups of a process. Source: cgroups(7). */
export interface ProcessCgroups {
  /** Its place in the one hierarchy of version 2, as in `/system.slice/cron.service`; null where that is not mounted. */
  readonly path: string | null;
  /** Its places in the hierarchies of version 1, by controllers such as `cpu,cpuacct` or `name=systemd`. */
  readonly legacy: Readonly<Record<string, string>>;
}

/** Errors: LinuxError ESRCH. */
export function cgroupsOf(pid: number): ProcessCgroups {
  return parseCgroups(readProc(pid, 'cgroup'));
}

export function parseCgroups(text: string): ProcessCgroups {
  let path: string | null = null;
  const legacy: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const [, controllers, where] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || where === undefined) continue;
    if (controllers === '') path = where;
    else legacy[controllers] = where;
  }
  return { path, legacy };
}

/**
 * What all processes of a control group of version 2 use together; null where its controller is not on.
 * Source: Documentation/admin-guide/cgroup-v2.rst.
 */
export interface CgroupUse {
  readonly cpuMicros: number | null;
  /** Its processes were held back by its limit for so long. */
  readonly throttledMicros: number | null;
  readonly memoryBytes: number | null;
  /** Null without a limit, too. */
  readonly memoryMaxBytes: number | null;
  readonly swapBytes: number | null;
  /** Of all disks. */
  readonly readBytes: number | null;
  readonly writtenBytes: number | null;
  readonly processes: number | null;
  readonly pressure: Readonly<Record<'cpu' | 'memory' | 'io', Pressure | null>>;
}

/** Where version 2 is mounted; null where it is not. */
export function cgroupMount(): string | null {
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [mount, filesystem] = line.split(' - ');
    if (filesystem?.startsWith('cgroup2 ') === true) return mount!.split(' ')[4]!.replaceAll('\\040', ' ');
  }
  return null;
}

/** `path` as in `ProcessCgroups`. Null where version 2 is not mounted. */
export function cgroupUse(path: string): CgroupUse | null {
  const mount = cgroupMount();
  if (mount === null) return null;
  const read = (file: string): string | null => textOrNull(join(mount, path, file));
  const number = (file: string): number | null => figure(read(file));
  const cpu = fieldsIn(read('cpu.stat'));
  const io = read('io.stat');
  return {
    cpuMicros: cpu.get('usage_usec') ?? null,
    throttledMicros: cpu.get('throttled_usec') ?? null,
    memoryBytes: number('memory.current'),
    memoryMaxBytes: number('memory.max'),
    swapBytes: number('memory.swap.current'),
    readBytes: io === null ? null : sumIn(io, 'rbytes'),
    writtenBytes: io === null ? null : sumIn(io, 'wbytes'),
    processes: number('pids.current'),
    pressure: {
      cpu: readPressureFile(join(mount, path, 'cpu.pressure')),
      memory: readPressureFile(join(mount, path, 'memory.pressure')),
      io: readPressureFile(join(mount, path, 'io.pressure')),
    },
  };
}

const figure = (text: string | null): number | null =>
  text === null || text === 'max' ? null : Number(text);

function fieldsIn(text: string | null): Map<string, number> {
  const lines = (text ?? '').split('\n').map(line => line.split(' '));
  return new Map(lines.map(([name, value]) => [name ?? '', Number(value)]));
}

function sumIn(text: string, name: string): number {
  return [...text.matchAll(new RegExp(`\\b${name}=(\\d+)`, 'g'))].reduce(
    (sum, [, of]) => sum + Number(of),
    0,
  );
}
