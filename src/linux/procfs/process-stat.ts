import { LinuxError } from '../linux-error.ts';
import { readProc } from './read-proc.ts';

/** The kernel tells times in hundredths of a second on every machine that Coax runs on. Source: USER_HZ, asm-generic/param.h. */
const TICK_MS = 10;
/** PF_KTHREAD. Source: linux/sched.h. */
const KERNEL_THREAD = 0x0020_0000;

/** What a process is doing. Times are milliseconds, in steps of 10. Source: proc_pid_stat(5). */
export interface ProcessStat {
  readonly pid: number;
  /** The program's name as the kernel keeps it: 15 bytes at most, of any kind. */
  readonly command: string;
  /** One letter: R runs, S sleeps, D waits for a disk, Z has ended, T is stopped, I is an idle kernel thread. */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly isKernelThread: boolean;
  /** Page faults without and with a disk. */
  readonly minorFaults: number;
  readonly majorFaults: number;
  /** Of all its threads, also those that have ended. */
  readonly userMs: number;
  readonly systemMs: number;
  /** Of `userMs`: as the CPU of a guest, by KVM. */
  readonly guestMs: number;
  readonly nice: number;
  readonly threads: number;
  /** When it was started, after the machine was. With `pid` it tells this process from any other. */
  readonly startMs: number;
  readonly virtualBytes: number;
  /** The CPU that it was on last. */
  readonly processor: number;
}

/** Errors: LinuxError ESRCH. */
export function readProcessStat(pid: number): ProcessStat {
  return parseProcessStat(readProc(pid, 'stat'));
}

/** The name may hold anything, also `) R 1` and line ends: it ends at the last bracket. */
export function parseProcessStat(text: string): ProcessStat {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  const rest = text.slice(close + 2).split(' ');
  if (open < 0 || close < open || rest.length < 22)
    throw new LinuxError('EPROTO', `this is not the stat of a process: ${JSON.stringify(text.slice(0, 80))}`);
  // By the number that the manual gives a field; the first behind the name is 3.
  const field = (number: number): number => Number(rest[number - 3] ?? 0);
  return {
    pid: Number(text.slice(0, open)),
    command: text.slice(open + 1, close),
    state: rest[0]!,
    parent: field(4),
    group: field(5),
    session: field(6),
    isKernelThread: (field(9) & KERNEL_THREAD) !== 0,
    minorFaults: field(10),
    majorFaults: field(12),
    userMs: field(14) * TICK_MS,
    systemMs: field(15) * TICK_MS,
    guestMs: field(43) * TICK_MS,
    nice: field(19),
    threads: field(20),
    startMs: field(22) * TICK_MS,
    virtualBytes: field(23),
    processor: field(39),
  };
}

/** How long a thread ran and waited for a CPU. Source: proc(5), Documentation/scheduler/sched-stats.rst. */
export interface SchedulerStat {
  readonly runNs: number;
  /** Ready to run, and no CPU was free. */
  readonly waitNs: number;
  readonly slices: number;
}

/** Of the first thread alone. Errors: LinuxError ESRCH, also where the kernel does not count it. */
export function readSchedulerStat(pid: number): SchedulerStat {
  const [runNs = 0, waitNs = 0, slices = 0] = readProc(pid, 'schedstat').trim().split(' ').map(Number);
  return { runNs, waitNs, slices };
}

/** Its arguments, the program first; none of a kernel thread or of a process that has ended. Errors: LinuxError ESRCH. */
export function readArguments(pid: number): string[] {
  const text = readProc(pid, 'cmdline');
  if (text === '') return [];
  return (text.endsWith('\0') ? text.slice(0, -1) : text).split('\0');
}
