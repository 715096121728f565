import { accessSync, constants, readFileSync } from 'node:fs';
import type { RunGroup } from '../cgroup/run-group.ts';
import type { ProcessSpec } from './process-spec.ts';

/** Of util-linux: sets the limits of itself and becomes the program. A process cannot set another's before that one runs. */
const PRLIMIT = '/usr/bin/prlimit';
const SHELL = '/bin/sh';
/** Of coreutils: gives the environment, which a shell would change. */
const ENV = '/usr/bin/env';
/** As these end when they cannot become the program. */
const CANNOT_START = new Set([126, 127]);
const CANNOT_ENTER = 'coax: cannot enter the control group';
/** Enters a group and becomes what the other arguments say. Nothing of a program or its arguments is read by the shell. */
const ENTER = `{ echo 0 >"$1"; } 2>/dev/null || { echo "${CANNOT_ENTER} $1" >&2; exit 126; }; shift; exec "$@"`;

/** What is really started: a program, its arguments, its environment. */
export interface Started {
  readonly program: string;
  readonly args: string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * What is started for a run: the program itself; with limits, `prlimit`, which becomes it (no core is written then); with a group, a shell that enters
 * that first. `token` stands in the command line until the group is entered, so that what is not there yet can be found, too.
 */
export function commandOf(spec: ProcessSpec, group: RunGroup | null, token: string): Started {
  const { program, args, env, limits } = spec;
  if (limits === undefined) return { program, args: [...args], env };
  const { memoryBytes, cpuSeconds, openFiles } = limits;
  const set = [
    '--core=0',
    ...(memoryBytes === undefined || group?.controllers.has('memory') ? [] : [`--as=${memoryBytes}`]),
    ...(cpuSeconds === undefined ? [] : [`--cpu=${cpuSeconds}:${cpuSeconds + 1}`]),
    ...(openFiles === undefined ? [] : [`--nofile=${openFiles}`]),
  ];
  const limited = [...set, '--', program, ...args];
  if (group === null) return { program: PRLIMIT, args: limited, env };
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return {
    program: SHELL,
    args: ['-c', ENTER, token, group.door, ENV, '-i', '--', ...variables, PRLIMIT, ...limited],
    env: {},
  };
}

/** Why a program with limits cannot be started, or null. */
export function faultOfLimits({ program, limits }: ProcessSpec): string | null {
  if (limits === undefined || isExecutable(PRLIMIT)) return null;
  return `${program} has limits, and ${PRLIMIT} (package util-linux), which sets them, is not installed`;
}

/** Whether what enters a group is here: else limits are of each process. */
export function canEnterGroups(): boolean {
  return isExecutable(SHELL) && isExecutable(ENV);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether `prlimit`, or what comes before it, ended instead of becoming the program. */
export function hasNotBecome(code: number | null, stderr: string): boolean {
  return (
    code !== null &&
    CANNOT_START.has(code) &&
    (stderr.startsWith('prlimit: ') || stderr.startsWith(`${ENV}: `) || stderr.startsWith(CANNOT_ENTER))
  );
}

/** How many processes the kernel has killed since it started because memory ran out, in the system or in a group of processes. */
export function oomKills(): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** As libraries and runtimes say that they got no memory: of glibc, C++, Python, Go, Rust, Java, V8, Perl and shells. */
const SAYS_NO_MEMORY =
  /cannot allocate memory|std::bad_alloc|MemoryError|out of memory|OutOfMemoryError|memory allocation of \d+ bytes failed|failed to allocate memory|cannot create thread|virtual memory exhausted/i;

/** Whose memory it was that ran out: what the run may have, or what the machine has. Null: none did. */
export type MemoryRanOut = 'its own' | "the machine's" | null;

/**
 * Whether an end that is no success was for want of memory. A group of its own counts what the kernel killed in it. Without: the kernel killed a
 * process for it while this one ran, and this one was killed; or it had a limit of memory, and says so itself. (At such a limit a program only gets
 * no more; what it does then is its own.)
 */
export function ranOutOfMemory(
  { limits }: ProcessSpec,
  end: { readonly code: number | null; readonly signal: string | null; readonly stderr: string },
  group: RunGroup | null,
  oomKillsBefore: number,
): MemoryRanOut {
  if (end.code === 0) return null;
  if (group?.controllers.has('memory')) {
    const { oomKills: kills, ownLimit } = group.events();
    return kills === 0 ? null : ownLimit ? 'its own' : "the machine's";
  }
  if (end.signal === 'SIGKILL' && oomKills() > oomKillsBefore) return "the machine's";
  return limits?.memoryBytes !== undefined && SAYS_NO_MEMORY.test(end.stderr) ? 'its own' : null;
}
