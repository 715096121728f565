import { readFileSync } from 'node:fs';
import { fieldLines, kibField } from './read-proc.ts';

const TICK_MS = 10;
/** Of /proc/diskstats, whatever the disk's own are. Source: Documentation/admin-guide/iostats.rst. */
const SECTOR_BYTES = 512;

/** Time of the CPUs in milliseconds since the machine was started. Source: proc_stat(5). */
export interface CpuTimes {
  readonly userMs: number;
  readonly niceMs: number;
  readonly systemMs: number;
  readonly idleMs: number;
  /** Idle, while something waited for a disk. */
  readonly waitMs: number;
  readonly interruptMs: number;
  /** Taken by the host of this virtual machine. */
  readonly stolenMs: number;
  /** Of `userMs` and `niceMs`: for guests. */
  readonly guestMs: number;
}

export interface MachineStat {
  /** All CPUs together, and each. */
  readonly total: CpuTimes;
  readonly cpus: readonly CpuTimes[];
  readonly contextSwitches: number;
  /** When the machine was started, in seconds since 1970. */
  readonly bootSeconds: number;
  readonly processesMade: number;
  readonly running: number;
  /** Processes that wait for a disk. */
  readonly blocked: number;
}

export function readMachineStat(): MachineStat {
  return parseMachineStat(readFileSync('/proc/stat', 'latin1'));
}

export function parseMachineStat(text: string): MachineStat {
  const lines = new Map(
    text.split('\n').map(line => {
      const [name = '', ...figures] = line.split(/ +/);
      return [name, figures.map(Number)];
    }),
  );
  const one = (name: string): number => lines.get(name)?.[0] ?? 0;
  const names = [...lines.keys()].filter(name => /^cpu\d+$/.test(name));
  return {
    total: timesOf(lines.get('cpu') ?? []),
    cpus: names.map(name => timesOf(lines.get(name)!)),
    contextSwitches: one('ctxt'),
    bootSeconds: one('btime'),
    processesMade: one('processes'),
    running: one('procs_running'),
    blocked: one('procs_blocked'),
  };
}

function timesOf(ticks: readonly number[]): CpuTimes {
  const ms = (...at: number[]): number => at.reduce((sum, index) => sum + (ticks[index] ?? 0), 0) * TICK_MS;
  return {
    userMs: ms(0),
    niceMs: ms(1),
    systemMs: ms(2),
    idleMs: ms(3),
    waitMs: ms(4),
    interruptMs: ms(5, 6),
    stolenMs: ms(7),
    guestMs: ms(8, 9),
  };
}

/** Memory of the machine in bytes. Source: proc_meminfo(5). */
export interface MachineMemory {
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** What programs can still get, without swapping. */
  readonly availableBytes: number;
  readonly buffersBytes: number;
  readonly cachedBytes: number;
  /** Changed, and not brought to a disk yet; and under way there. */
  readonly dirtyBytes: number;
  readonly writebackBytes: number;
  readonly swapTotalBytes: number;
  readonly swapFreeBytes: number;
}

export function readMachineMemory(): MachineMemory {
  const fields = fieldLines(readFileSync('/proc/meminfo', 'latin1'));
  const bytes = (name: string): number => kibField(fields, name);
  return {
    totalBytes: bytes('MemTotal'),
    freeBytes: bytes('MemFree'),
    availableBytes: bytes('MemAvailable'),
    buffersBytes: bytes('Buffers'),
    cachedBytes: bytes('Cached'),
    dirtyBytes: bytes('Dirty'),
    writebackBytes: bytes('Writeback'),
    swapTotalBytes: bytes('SwapTotal'),
    swapFreeBytes: bytes('SwapFree'),
  };
}

/** What a disk or a part of one did since the machine was started. Source: Documentation/admin-guide/iostats.rst. */
export interface DiskStat {
  readonly name: string;
  readonly major: number;
  readonly minor: number;
  readonly reads: number;
  readonly readBytes: number;
  readonly readMs: number;
  readonly writes: number;
  readonly writtenBytes: number;
  readonly writeMs: number;
  readonly inFlight: number;
  /** Something was under way. */
  readonly busyMs: number;
  /** Each request's time, summed up. */
  readonly waitedMs: number;
}

export function readDiskStats(): DiskStat[] {
  return parseDiskStats(readFileSync('/proc/diskstats', 'latin1'));
}

export function parseDiskStats(text: string): DiskStat[] {
  const lines = text.split('\n').map(line => line.trim().split(/ +/));
  return lines
    .filter(fields => fields.length >= 14)
    .map(fields => {
      const figure = (at: number): number => Number(fields[at]);
      return {
        name: fields[2]!,
        major: figure(0),
        minor: figure(1),
        reads: figure(3),
        readBytes: figure(5) * SECTOR_BYTES,
        readMs: figure(6),
        writes: figure(7),
        writtenBytes: figure(9) * SECTOR_BYTES,
        writeMs: figure(10),
        inFlight: figure(11),
        busyMs: figure(12),
        waitedMs: figure(13),
      };
    });
}
