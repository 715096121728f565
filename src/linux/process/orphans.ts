import { readdirSync, readFileSync } from 'node:fs';
import { signalGroup } from './group.ts';
import type { ProcessSpec } from './process-spec.ts';

/** USER_HZ, fixed at 100: /proc gives start times in hundredths of a second since the start of the system. */
const TICKS_PER_SECOND = 100;
const TOLERANCE_TICKS = 2;
/** Each round sees what forked during the one before. */
const ROUNDS_MAX = 10;
/** What is just becoming another program is looked at again so soon, and so often at most. */
const BECOMING_MS = 2;
const BECOMING_LOOKS_MAX = 500;
/** PF_KTHREAD of linux/sched.h, in field 9 of proc(5)'s /proc/PID/stat. */
const KERNEL_THREAD = 0x0020_0000;
/** The beginning of every spawner's token. */
export const TOKEN_PREFIX = 'coax-spawner-';

/** A run whose spawner died before it told whether, and as which process, it had started it. */
export interface UntoldRun {
  readonly spec: ProcessSpec;
  /** When it was handed to the spawner, in seconds since the start of the system. */
  readonly sentAtUptime: number;
}

/**
 * Kills what a dead spawner had started but did not live to report: its forks that have not yet become another program
 * (they still carry its token in their command line), and every process that began after the run was handed over, has
 * the run's whole environment (a shell may have added to it) and is no living spawner's child.
 */
export function endOrphans(token: string, runs: readonly UntoldRun[]): void {
  const wanted = runs.map(({ spec, sentAtUptime }) => ({
    variables: Object.entries(spec.env).map(([name, value]) =>
      Buffer.from(`${name}=${value}`).toString('latin1'),
    ),
    sinceTicks: Math.floor(sentAtUptime * TICKS_PER_SECOND) - TOLERANCE_TICKS,
  }));
  const pause = new Int32Array(new SharedArrayBuffer(4));
  let becoming = 0;
  for (let round = 0; round < ROUNDS_MAX; ) {
    const seen = endFound(token, wanted);
    if (seen === 'none') return;
    if (seen === 'ended') round++;
    else if (++becoming > BECOMING_LOOKS_MAX) return;
    else Atomics.wait(pause, 0, 0, BECOMING_MS);
  }
}

interface Wanted {
  readonly variables: readonly string[];
  readonly sinceTicks: number;
}

/**
 * `becoming`: there is a process that is just becoming another program: its descriptors are closed already, so that we have heard of the
 * spawner's end, and it has neither its old command line nor its new environment.
 */
function endFound(token: string, wanted: readonly Wanted[]): 'none' | 'ended' | 'becoming' {
  let seen: 'none' | 'ended' | 'becoming' = 'none';
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      // In this order: what has no token any more has its own environment already, or is about to have it.
      const command = commandOf(pid);
      if (!command.includes(token) && !isWanted(pid, wanted)) {
        if (command === '' && seen === 'none' && isBecoming(pid, wanted)) seen = 'becoming';
        continue;
      }
      seen = 'ended';
      if (!signalGroup(pid, 'SIGKILL')) process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended, or belongs to somebody else
    }
  }
  return seen;
}

function isBecoming(pid: number, wanted: readonly Wanted[]): boolean {
  const { state, flags, startedTicks } = statOf(pid);
  if (state === 'Z' || (flags & KERNEL_THREAD) !== 0) return false;
  return wanted.some(({ sinceTicks }) => startedTicks >= sinceTicks);
}

function statOf(pid: number): { state: string; parent: number; flags: number; startedTicks: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // from field 3 of proc(5) on
  const [state = '', parent] = fields;
  return { state, parent: Number(parent), flags: Number(fields[6]), startedTicks: Number(fields[19]) };
}

function isWanted(pid: number, wanted: readonly Wanted[]): boolean {
  const { state, parent, startedTicks: started } = statOf(pid);
  if (state === 'Z' || !wanted.some(({ sinceTicks }) => started >= sinceTicks)) return false;
  const variables = new Set(readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0'));
  const matches = wanted.some(
    ({ variables: own, sinceTicks }) =>
      started >= sinceTicks && own.length > 0 && own.every(variable => variables.has(variable)),
  );
  return matches && !(parent > 1 && commandOf(parent).includes(TOKEN_PREFIX));
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
}
