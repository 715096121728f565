import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessLimits } from '../process/process-spec.ts';
import type { Controller } from './parent.ts';
import { killGroup, removeGroup } from './remove.ts';

/** The kernel's own period of cpu.max, in microseconds, and the least that may be given of it. */
const CPU_PERIOD_US = 100_000;
const CPU_LEAST_US = 1000;

/** What all processes of a run used together. */
export interface GroupUse {
  readonly cpuMs: number | null;
  /** Caches of files included; null without the controller, or a kernel before 5.19. */
  readonly memoryPeakKib: number | null;
}

/** What the kernel counted of a run that met its limits. */
export interface GroupEvents {
  /** Processes that were killed for want of memory. */
  readonly oomKills: number;
  /** Of these kills: whether the group's own limit was the reason, and not the machine's memory. */
  readonly ownLimit: boolean;
  /** How often no further process was to be had. */
  readonly processesRefused: number;
}

/** A control group of version 2 for one run of a program. Source: Documentation/admin-guide/cgroup-v2.rst. */
export class RunGroup {
  readonly path: string;
  /** Whose limits hold here; the others are for setrlimit(2), or hold nowhere. */
  readonly controllers: ReadonlySet<Controller>;

  private constructor(path: string, controllers: ReadonlySet<Controller>) {
    this.path = path;
    this.controllers = controllers;
  }

  /** Makes the group with its limits. Errors: the system's; then nothing is left. */
  static make(path: string, controllers: ReadonlySet<Controller>, limits: ProcessLimits): RunGroup {
    mkdirSync(path);
    const group = new RunGroup(path, controllers);
    try {
      group.#limit(limits);
      return group;
    } catch (error) {
      rmdirSync(path);
      throw error;
    }
  }

  /** A process that writes 0 here is in the group from then on, with all that it starts. */
  get door(): string {
    return join(this.path, 'cgroup.procs');
  }

  #limit({ memoryBytes, processes, cpus, readBytesPerSecond, writeBytesPerSecond }: ProcessLimits): void {
    const { controllers } = this;
    if (controllers.has('memory') && memoryBytes !== undefined) {
      this.#write('memory.max', memoryBytes);
      // Without it the kernel would swap instead, and kill only when swap is full, too. Kernels without swap have no such file.
      this.#write('memory.swap.max', 0, true);
      this.#write('memory.oom.group', 1);
    }
    if (controllers.has('pids') && processes !== undefined) this.#write('pids.max', processes);
    if (controllers.has('cpu') && cpus !== undefined) {
      const quota = Math.max(CPU_LEAST_US, Math.round(cpus * CPU_PERIOD_US));
      this.#write('cpu.max', `${quota} ${CPU_PERIOD_US}`);
    }
    if (controllers.has('io') && (readBytesPerSecond ?? writeBytesPerSecond) !== undefined) {
      const rate = `rbps=${readBytesPerSecond ?? 'max'} wbps=${writeBytesPerSecond ?? 'max'}`;
      for (const disk of disks()) this.#write('io.max', `${disk} ${rate}`, true);
    }
  }

  #write(file: string, value: string | number, mayFail = false): void {
    try {
      writeFileSync(join(this.path, file), String(value));
    } catch (error) {
      if (!mayFail) throw error;
    }
  }

  #read(file: string): string {
    try {
      return readFileSync(join(this.path, file), 'latin1');
    } catch {
      return '';
    }
  }

  use(): GroupUse {
    const micros = fieldOf(this.#read('cpu.stat'), 'usage_usec');
    const peak = this.#read('memory.peak').trim();
    return {
      cpuMs: micros === null ? null : Math.round(micros / 1000),
      memoryPeakKib: peak === '' ? null : Math.round(Number(peak) / 1024),
    };
  }

  events(): GroupEvents {
    const memory = this.#read('memory.events');
    return {
      oomKills: fieldOf(memory, 'oom_kill') ?? 0,
      ownLimit: (fieldOf(memory, 'oom') ?? 0) > 0,
      processesRefused: fieldOf(this.#read('pids.events'), 'max') ?? 0,
    };
  }

  /** Ends all that is in it, also what made a session of its own. */
  kill(): void {
    killGroup(this.path);
  }

  /** Takes the group away as soon as all that was in it has ended. */
  remove(): void {
    removeGroup(this.path);
  }
}

function fieldOf(text: string, name: string): number | null {
  const found = new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1];
  return found === undefined ? null : Number(found);
}

/** The whole disks of the machine, as `8:0`: io.max takes no partitions, and devices without a medium hold nothing. */
function disks(): string[] {
  try {
    return readdirSync('/sys/block').flatMap(name => {
      const read = (file: string): string => readFileSync(`/sys/block/${name}/${file}`, 'latin1').trim();
      return read('size') === '0' ? [] : [read('dev')];
    });
  } catch {
    return [];
  }
}
