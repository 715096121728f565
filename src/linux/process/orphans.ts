import { readdirSync, readFileSync } from 'node:fs';
import { signalGroup } from './group.ts';
import type { ProcessSpec } from './process-spec.ts';

/** USER_HZ, fixed at 100: /proc gives start times in hundredths of a second since the start of the system. */
const TICKS_PER_SECOND = 100;
const TOLERANCE_TICKS = 2;
/** Each round sees what forked during the one before. */
const ROUNDS_MAX = 10;
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
  for (let round = 0; round < ROUNDS_MAX; round++) {
    if (!endFound(token, wanted)) return;
  }
}

interface Wanted {
  readonly variables: readonly string[];
  readonly sinceTicks: number;
}

function endFound(token: string, wanted: readonly Wanted[]): boolean {
  let found = false;
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      // In this order: what has no token any more has its own environment already.
      if (!commandOf(pid).includes(token) && !isWanted(pid, wanted)) continue;
      found = true;
      if (!signalGroup(pid, 'SIGKILL')) process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended, or belongs to somebody else
    }
  }
  return found;
}

function isWanted(pid: number, wanted: readonly Wanted[]): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // from field 3 of proc(5) on
  const [state, parent, started] = [fields[0], Number(fields[1]), Number(fields[19])];
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
