import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, which Linux fixes at 100 for what it tells of processes (proc(5), sysconf(3)). */
const TICKS_PER_SECOND = 100;

/**
 * CPU seconds, user and system, of these processes and of all that they have started, ended ones included: a process counts
 * its own time and that of the children it has waited for. All threads. Resolution: 10 ms for a process.
 */
export function treeCpuSeconds(roots: readonly number[]): number {
  const parents = new Map<number, { parent: number; ticks: number }>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (Number.isInteger(pid)) read(pid, parents);
  }
  const inTree = (pid: number): boolean => {
    for (let at = pid; at > 1; at = parents.get(at)?.parent ?? 0) if (roots.includes(at)) return true;
    return false;
  };
  let ticks = 0;
  for (const [pid, process] of parents) if (inTree(pid)) ticks += process.ticks;
  return ticks / TICKS_PER_SECOND;
}

function read(pid: number, into: Map<number, { parent: number; ticks: number }>): void {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return; // It has ended; its parent has its time.
  }
  // The name may hold spaces and parentheses; after its last one stand: state, parent, … and from the 12th on the times.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [user, system, childrenUser, childrenSystem] = fields.slice(11, 15).map(Number);
  into.set(pid, {
    parent: Number(fields[1]),
    ticks: (user ?? 0) + (system ?? 0) + (childrenUser ?? 0) + (childrenSystem ?? 0),
  });
}
