import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { cgroupMount, cgroupsOf } from '../procfs/cgroup.ts';
import { readProcessStat } from '../procfs/process-stat.ts';

/** The controllers that limits need. Source: Documentation/admin-guide/cgroup-v2.rst. */
export const CONTROLLERS = ['memory', 'pids', 'cpu', 'io'] as const;
export type Controller = (typeof CONTROLLERS)[number];

/** The group below the delegated one that all groups of programs are in. */
const FOLDER = 'coax';
/** Where the processes of a delegated group move to: a group with controllers for its children holds no process itself. */
const LEAF = 'coax-server';
/** Processes come and go while they are moved. */
const MOVES_MAX = 20;

/** Where groups of programs are made, or why none can be. */
export type CgroupPlace =
  | {
      /** Absolute; it may not be there yet. */
      readonly folder: string;
      /** The group of our own processes, which must be empty before its children get controllers; null: none of ours is in the way. */
      readonly leave: string | null;
    }
  | { readonly fault: string };

/**
 * Finds the place without touching anything: what the variable COAX_CGROUP names (a group's absolute folder; `none`: no groups); else `coax` at the
 * root of cgroup v2, for root; else `coax` in the group that this process runs in, where that is delegated to its user, as a systemd unit with
 * `Delegate=yes` has it, and holds nothing but `leader` and what that has started.
 */
export function cgroupPlace(leader = process.pid, named = process.env.COAX_CGROUP): CgroupPlace {
  if (named === 'none') return { fault: 'COAX_CGROUP=none' };
  if (named) {
    if (existsSync(join(named, 'cgroup.procs'))) return { folder: named, leave: null };
    return { fault: `${named}, which COAX_CGROUP names, is no cgroup of version 2` };
  }
  const mount = cgroupMount();
  if (mount === null) return { fault: 'cgroup v2 is not mounted' };
  if (process.geteuid?.() === 0) {
    if (canWrite(mount)) return { folder: join(mount, FOLDER), leave: null };
    return { fault: `${mount} is mounted to be read only` };
  }
  const path = cgroupsOf(process.pid).path;
  if (path === null || path.startsWith('/..'))
    return { fault: `the cgroup of this process is not below ${mount}` };
  const here = join(mount, path);
  const own = basename(here) === LEAF ? dirname(here) : here;
  if (!canWrite(own) || !canWrite(join(own, 'cgroup.procs')))
    return { fault: `${own} is not delegated to this user; a systemd unit with Delegate=yes does that` };
  const stranger = strangerIn(own, leader);
  if (stranger !== null) return { fault: `${own} holds processes of others (${stranger})` };
  return { folder: join(own, FOLDER), leave: own };
}

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The controllers that the children of a group may get; of a group that is not made yet: those its parent can hand down. */
export function controllersFor(folder: string): Set<Controller> {
  const at = existsSync(folder) ? folder : dirname(folder);
  return new Set(namesIn(join(at, 'cgroup.controllers')));
}

/** Hands down to the children of a group what limits need and it has; gives what the children have then. */
export function handDown(folder: string): Set<Controller> {
  const file = join(folder, 'cgroup.subtree_control');
  const already = new Set(namesIn(file));
  for (const name of controllersFor(folder)) {
    if (already.has(name)) continue;
    try {
      writeFileSync(file, `+${name}`);
    } catch {
      // EBUSY: processes of others are in it; ENOENT: just taken away. It goes without.
    }
  }
  return new Set(namesIn(file));
}

function namesIn(file: string): Controller[] {
  try {
    const names = readFileSync(file, 'latin1').trim().split(' ');
    return CONTROLLERS.filter(name => names.includes(name));
  } catch {
    return [];
  }
}

/** Makes the place ready: its folder, and controllers for what is made in it. Errors: the system's. */
export function openPlace({ folder, leave }: Exclude<CgroupPlace, { fault: string }>): Set<Controller> {
  if (leave !== null) moveToLeaf(leave);
  // The one above hands down first: only what it has handed down is there to be handed on.
  if (basename(folder) === FOLDER) handDown(dirname(folder));
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  return handDown(folder);
}

function moveToLeaf(group: string): void {
  const leaf = join(group, LEAF);
  mkdirSync(leaf, { recursive: true });
  for (let moves = 0; moves < MOVES_MAX; moves++) {
    const pids = pidsOf(group);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        writeFileSync(join(leaf, 'cgroup.procs'), String(pid));
      } catch {
        // it has just ended
      }
    }
  }
}

function pidsOf(group: string): number[] {
  return readFileSync(join(group, 'cgroup.procs'), 'latin1').split('\n').filter(Boolean).map(Number);
}

/** A process directly in a group that is neither the leader nor descends from it; as people know it. */
function strangerIn(group: string, leader: number): string | null {
  for (const pid of pidsOf(group)) {
    try {
      if (!descendsFrom(leader, pid)) return `process ${pid}, ${readProcessStat(pid).command}`;
    } catch {
      // it has just ended
    }
  }
  return null;
}

function descendsFrom(leader: number, pid: number): boolean {
  for (let at = pid; at > 1; at = readProcessStat(at).parent) if (at === leader) return true;
  return pid === leader;
}

/** Names of the groups in a group. */
export function groupsIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(entry => entry.name);
  } catch {
    return [];
  }
}
