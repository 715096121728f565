import { readFileSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { CoaxError } from '../../../errors/coax-error.ts';
import {
  type CpuTimes,
  readDiskStats,
  readMachineMemory,
  readMachineStat,
} from '../../../linux/procfs/machine.ts';
import { readPressure } from '../../../linux/procfs/pressure.ts';
import { mostPss, pssOf } from '../../../linux/usage/most-pss.ts';
import { type ProcessUse, useBetween } from '../../../linux/usage/process-use.ts';
import { qemuGuest } from '../../../linux/usage/qemu-guest.ts';
import { type Sample, Sampler } from '../../../linux/usage/sampler.ts';
import type { TopLook, TopSource } from '../../live/top-view.ts';
import { bytesText } from '../../output/bytes.ts';
import { cell, type Output } from '../../output/output.ts';
import { truncate } from '../../output/text.ts';
import { byUse, type TopSort, useColumns } from './top-rows.ts';

const COMMAND_COLUMNS = 100;
const WIDE_COLUMNS = 2000;

/** A process in the answer for programs. */
interface ProcessRow extends ProcessUse {
  /** By /etc/passwd; its number as text where that has none. */
  readonly user: string;
  /** The VM that it runs, where it is QEMU. */
  readonly vm: string | null;
  readonly pssBytes: number | null;
}

type Unweighed = Omit<ProcessRow, 'pssBytes'>;

interface MachineUse {
  readonly cpus: number;
  /** Of all CPUs. */
  readonly cpuPercent: number;
  readonly memoryTotalBytes: number;
  readonly memoryAvailableBytes: number;
  /** Of whole disks. */
  readonly readBytesPerSecond: number;
  readonly writeBytesPerSecond: number;
  /** Share of the last 10 seconds in which something stood still for want of it; null where that is not counted. */
  readonly pressurePercent: Readonly<Record<'cpu' | 'memory' | 'io', number | null>>;
}

export interface ProcessFilter {
  readonly pids: readonly number[] | null;
  readonly vms: readonly string[] | null;
}

interface Instant {
  readonly sample: Sample;
  readonly cpu: CpuTimes;
  readonly disks: { readonly readBytes: number; readonly writtenBytes: number };
}

/** What the processes of this machine use. */
export class ProcessesHere implements TopSource {
  readonly #sampler: Sampler;
  readonly #filter: ProcessFilter;
  #before: Instant;

  private constructor(sampler: Sampler, filter: ProcessFilter, before: Instant) {
    this.#sampler = sampler;
    this.#filter = filter;
    this.#before = before;
  }

  /** Errors: COAX_NOT_FOUND for a process or VM that is not there; LinuxError. */
  static async open(filter: ProcessFilter): Promise<ProcessesHere> {
    const sampler = await Sampler.open();
    const before = await instant(sampler, filter);
    const found = [...before.sample.processes.values()];
    const pids = new Set(found.map(({ pid }) => pid));
    const vms = new Set(found.map(({ arguments: words }) => qemuGuest(words)?.name));
    const missing = [
      ...(filter.pids ?? []).filter(pid => !pids.has(pid)).map(pid => `process ${pid}`),
      ...(filter.vms ?? []).filter(vm => !vms.has(vm)).map(vm => `VM ${vm}`),
    ];
    if (missing.length === 0) return new ProcessesHere(sampler, filter, before);
    sampler[Symbol.dispose]();
    throw new CoaxError('COAX_NOT_FOUND', `there is no ${missing.join(', no ')} on this machine`, {
      where: filter.vms === null ? '--pid' : '--vm',
      hint: filter.vms === null ? '`ps -e` lists processes.' : '`coax top --vms` shows those of all hosts.',
    });
  }

  async look(): Promise<TopLook> {
    const before = this.#before;
    const after = await instant(this.#sampler, this.#filter);
    this.#before = after;
    const rows = useBetween(before.sample, after.sample).map(rowOf);
    const { vms } = this.#filter;
    const wanted = vms === null ? rows : rows.filter(({ vm }) => vm !== null && vms.includes(vm));
    const machine = machineBetween(before, after);
    const { counted, reason } = this.#sampler.delays;
    const about = {
      at: new Date().toISOString(),
      seconds: (after.sample.atMs - before.sample.atMs) / 1000,
      host: hostname(),
      delaysCounted: counted,
      delaysReason: reason,
      machine,
    };
    return {
      answer: (sort, limit) => ({ ...about, items: weighed(wanted, sort, limit) }),
      lines: (out, sort, limit) => [
        ...headOf(out, machine, reason),
        ...tableOf(out, weighed(wanted, sort, limit), sort),
      ],
      names: (sort, limit) => ranked(wanted, sort, limit).map(({ pid }) => String(pid)),
    };
  }

  [Symbol.dispose](): void {
    this.#sampler[Symbol.dispose]();
  }
}

async function instant(sampler: Sampler, { pids }: ProcessFilter): Promise<Instant> {
  const whole = readDiskStats().filter(({ name }) => isWholeDisk(name));
  const sum = (figure: 'readBytes' | 'writtenBytes'): number =>
    whole.reduce((so, disk) => so + disk[figure], 0);
  return {
    sample: await sampler.take(pids ?? undefined),
    cpu: readMachineStat().total,
    disks: { readBytes: sum('readBytes'), writtenBytes: sum('writtenBytes') },
  };
}

/** Not a part of a disk, nor what is made of disks and would be counted twice. */
const isWholeDisk = (name: string): boolean => /^((sd|vd|xvd|hd)[a-z]+|nvme\d+n\d+|mmcblk\d+)$/.test(name);

function machineBetween(before: Instant, after: Instant): MachineUse {
  const seconds = Math.max(0.001, (after.sample.atMs - before.sample.atMs) / 1000);
  const spent = (times: CpuTimes): [busy: number, all: number] => {
    const idle = times.idleMs + times.waitMs;
    const busy = times.userMs + times.niceMs + times.systemMs + times.interruptMs + times.stolenMs;
    return [busy, busy + idle];
  };
  const [busyBefore, allBefore] = spent(before.cpu);
  const [busyAfter, allAfter] = spent(after.cpu);
  const { totalBytes, availableBytes } = readMachineMemory();
  const some = (of: 'cpu' | 'memory' | 'io'): number | null => readPressure(of)?.some.of10s ?? null;
  return {
    cpus: availableParallelism(),
    cpuPercent: (100 * (busyAfter - busyBefore)) / Math.max(1, allAfter - allBefore),
    memoryTotalBytes: totalBytes,
    memoryAvailableBytes: availableBytes,
    readBytesPerSecond: (after.disks.readBytes - before.disks.readBytes) / seconds,
    writeBytesPerSecond: (after.disks.writtenBytes - before.disks.writtenBytes) / seconds,
    pressurePercent: { cpu: some('cpu'), memory: some('memory'), io: some('io') },
  };
}

/** To weigh a process's memory takes the kernel a while, so only those that are shown are. */
function weighed(rows: readonly Unweighed[], sort: TopSort, limit: number): ProcessRow[] {
  if (sort === 'mem') return mostPss(rows, limit);
  return ranked(rows, sort, limit).map(row => ({
    ...row,
    pssBytes: row.rssBytes === 0 ? 0 : pssOf(row.pid),
  }));
}

const ranked = (rows: readonly Unweighed[], sort: TopSort, limit: number): ProcessRow[] =>
  byUse(
    rows.map(row => ({ ...row, pssBytes: null })),
    sort,
  ).slice(0, limit);

function rowOf(use: ProcessUse): Unweighed {
  return { ...use, user: userName(use.uid), vm: qemuGuest(use.arguments)?.name ?? null };
}

let users: Map<string, string> | null = null;

function userName(uid: number): string {
  users ??= new Map(
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map(line => line.split(':'))
      .map(([name = '', , id = '']) => [id, name]),
  );
  return users.get(String(uid)) ?? String(uid);
}

function headOf(out: Output, machine: MachineUse, reason: string): string[] {
  const used = machine.memoryTotalBytes - machine.memoryAvailableBytes;
  const waits = Object.entries(machine.pressurePercent)
    .filter(([, percent]) => percent !== null)
    .map(([of, percent]) => `${of} ${percent}%`);
  const parts = [
    `CPU ${machine.cpuPercent.toFixed(0)}% of ${machine.cpus}`,
    `memory ${bytesText(used)} of ${bytesText(machine.memoryTotalBytes)}`,
    `disks read ${bytesText(machine.readBytesPerSecond)}/s, written ${bytesText(machine.writeBytesPerSecond)}/s`,
    waits.length === 0 ? '' : `pressure ${waits.join(', ')}`,
  ];
  const head = parts.filter(part => part !== '').join('   ');
  return reason === '' ? [head] : [head, out.style('dim', `no IO%: ${reason}`)];
}

function tableOf(out: Output, rows: readonly ProcessRow[], sort: TopSort): string[] {
  const columns = out.format === 'wide' ? WIDE_COLUMNS : COMMAND_COLUMNS;
  return out.table(rows, [
    { head: 'PID', right: true, cell: row => cell(row.pid) },
    { head: 'USER', cell: row => cell(row.user) },
    ...useColumns<ProcessRow>(sort),
    { head: 'S', cell: row => cell(row.state) },
    { head: 'THREADS', right: true, wide: true, cell: row => cell(row.threads) },
    { head: 'VM', cell: row => cell(row.vm) },
    { head: 'COMMAND', cell: row => truncate(cell(commandOf(row)), columns) },
  ]);
}

/** The whole line; of a kernel thread its name in brackets. */
const commandOf = ({ command, arguments: words }: ProcessUse): string =>
  words.length === 0 ? `[${command}]` : words.join(' ').trimEnd();
