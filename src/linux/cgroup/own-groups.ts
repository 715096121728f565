import { mkdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessLimits } from '../process/process-spec.ts';
import { type CgroupPlace, type Controller, cgroupPlace, groupsIn, handDown, openPlace } from './parent.ts';
import { killGroup, removeGroup, removeNow } from './remove.ts';
import { RunGroup } from './run-group.ts';

/** At our own end, what we have killed may take so long to be gone. */
const END_MS = 500;

/**
 * The groups of the programs that this process runs: each in a folder of its own below one that names this process, so that whoever comes later knows
 * whether its owner still lives.
 */
export class OwnGroups {
  readonly folder: string;
  readonly controllers: ReadonlySet<Controller>;
  #made = 0;

  private constructor(folder: string, controllers: ReadonlySet<Controller>) {
    this.folder = folder;
    this.controllers = controllers;
  }

  /** Takes away first what dead processes have left. Null where no groups can be made. */
  static open(place: CgroupPlace = cgroupPlace()): OwnGroups | null {
    if ('fault' in place) return null;
    try {
      openPlace(place);
      sweepGroups(place.folder);
      const folder = join(place.folder, `${namespace()}-${process.pid}-${startOf(process.pid)}`);
      mkdirSync(folder, { recursive: true });
      return new OwnGroups(folder, handDown(folder));
    } catch {
      return null;
    }
  }

  /** A group for one run. Null when the kernel makes no more. */
  make(limits: ProcessLimits): RunGroup | null {
    try {
      return RunGroup.make(join(this.folder, `run-${++this.#made}`), this.controllers, limits);
    } catch {
      return null;
    }
  }

  /** Ends all that runs in them, and takes them away. */
  close(): void {
    killGroup(this.folder);
    removeNow(this.folder, END_MS);
  }
}

let leader = process.pid;
let own: OwnGroups | null | undefined;

/** Says which process this one works for: it and what it started may be moved out of a delegated group. To be called before `ownGroups`. */
export function workFor(pid: number): void {
  leader = pid;
}

/** This process's groups, made at the first call and taken away at its end; null where none can be made. */
export function ownGroups(): OwnGroups | null {
  if (own === undefined) {
    own = OwnGroups.open(cgroupPlace(leader));
    process.once('exit', () => own?.close());
  }
  return own;
}

/** Ends what dead processes have left in their groups, and takes these away. Owners in other PID namespaces cannot be seen and are left alone. */
export function sweepGroups(folder: string): void {
  const ours = namespace();
  for (const name of groupsIn(folder)) {
    const [, where, pid, start] = /^(\d+)-(\d+)-(\d+)$/.exec(name) ?? [];
    if (where !== ours || startOf(Number(pid)) === start) continue;
    endGroup(join(folder, name));
  }
}

/** Ends what a process that is known to be gone has left in its groups. */
export function endGroupsOf(pid: number, place: CgroupPlace = cgroupPlace()): void {
  if ('fault' in place) return;
  const prefix = `${namespace()}-${pid}-`;
  for (const name of groupsIn(place.folder)) if (name.startsWith(prefix)) endGroup(join(place.folder, name));
}

function endGroup(path: string): void {
  killGroup(path);
  removeGroup(path);
}

/** The PID namespace that we are in, as a number: process ids mean something in there only. */
function namespace(): string {
  return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))![0];
}

/** When a living process was started, as the kernel counts it; null when it has ended. Source: fields 3 and 22 of proc_pid_stat(5). */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? null : fields[19]!;
  } catch {
    return null;
  }
}
