import { readFileSync } from 'node:fs';
import { CONTROLLERS, type Controller, cgroupPlace, controllersFor } from './parent.ts';

const IN_V1 = 'in cgroup v1';

/** What holds the limits of programs on this machine, as `coax doctor` says it. */
export interface LimitsHere {
  /** The folder that groups of programs are made in; null: there are none. */
  readonly groups: string | null;
  /** Why there are none. */
  readonly fault: string | null;
  /** Controllers that limits need and groups do not have here, with the reason. Without groups: all. */
  readonly missing: ReadonlyMap<Controller, string>;
}

/** Looks without touching anything. */
export function limitsHere(): LimitsHere {
  const place = cgroupPlace();
  if ('fault' in place) {
    const missing = new Map(CONTROLLERS.map(name => [name, place.fault]));
    return { groups: null, fault: place.fault, missing };
  }
  const there = controllersFor(place.folder);
  const missing = new Map(CONTROLLERS.filter(name => !there.has(name)).map(name => [name, whyMissing(name)]));
  return { groups: place.folder, fault: null, missing };
}

/** Columns of /proc/cgroups: name, hierarchy (0: version 2, or none), groups, enabled. Source: cgroups(7). */
function whyMissing(controller: Controller): string {
  // The name of io before version 2.
  const name = controller === 'io' ? 'blkio' : controller;
  const line = readFileSync('/proc/cgroups', 'latin1')
    .split('\n')
    .map(text => text.split('\t'))
    .find(([first]) => first === name);
  if (line === undefined) return 'not in this kernel';
  if (line[3] === '0') return 'switched off when the kernel started';
  if (line[1] !== '0') return IN_V1;
  return 'not handed down by the group above';
}

const LIMITS: Readonly<Record<Controller, string>> = {
  memory: 'memory',
  pids: 'processes',
  cpu: 'CPUs',
  io: 'disks',
};

/** The same as a sentence. */
export function aboutLimits({ groups, fault, missing }: LimitsHere): string {
  const held = CONTROLLERS.filter(name => !missing.has(name)).map(name => LIMITS[name]);
  const parts = [
    groups === null ? 'no control groups' : `each program with limits has a group below ${groups}`,
    ...(held.length > 0 ? [`${held.join(', ')} by cgroup v2`] : []),
    ...(missing.has('memory') ? ['memory as address space of each process'] : []),
  ];
  const none = [...missing.keys()].filter(name => name !== 'memory').map(name => LIMITS[name]);
  if (none.length > 0) parts.push(`${none.join(', ')} not limited`);
  return missing.size === 0 ? parts.join('; ') : `${parts.join('; ')}: ${why(fault, missing)}`;
}

function why(fault: string | null, missing: ReadonlyMap<Controller, string>): string {
  if (fault !== null) return fault;
  const reasons = Map.groupBy([...missing], ([, reason]) => reason);
  const told = [...reasons].map(
    ([reason, of]) => `${of.map(([name]) => name).join(', ')} ${of.length > 1 ? 'are' : 'is'} ${reason}`,
  );
  const advice = reasons.has(IN_V1) ? ' (a kernel started with cgroup_no_v1=all has them in v2)' : '';
  return `${told.join('; ')}${advice}`;
}
