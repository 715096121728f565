import { accessSync, constants, readFileSync } from 'node:fs';
import type { ProcessSpec } from './process-spec.ts';

/** Of util-linux: sets the limits of itself and becomes the program. A process cannot set another's before that one runs. */
const PRLIMIT = '/usr/bin/prlimit';
/** As it ends when it cannot become the program. */
const CANNOT_START = new Set([126, 127]);

/** What is really started: the program itself, or through `prlimit` when it has limits. No core is written then. */
export function commandOf({
  program,
  args,
  limits,
}: ProcessSpec): readonly [program: string, args: string[]] {
  if (limits === undefined) return [program, [...args]];
  const { memoryBytes, cpuSeconds, openFiles } = limits;
  const set = [
    '--core=0',
    ...(memoryBytes === undefined ? [] : [`--as=${memoryBytes}`]),
    ...(cpuSeconds === undefined ? [] : [`--cpu=${cpuSeconds}:${cpuSeconds + 1}`]),
    ...(openFiles === undefined ? [] : [`--nofile=${openFiles}`]),
  ];
  return [PRLIMIT, [...set, '--', program, ...args]];
}

/** Why a program with limits cannot be started, or null. */
export function faultOfLimits({ program, limits }: ProcessSpec): string | null {
  if (limits === undefined) return null;
  try {
    accessSync(PRLIMIT, constants.X_OK);
    return null;
  } catch {
    return `${program} has limits, and ${PRLIMIT} (package util-linux), which sets them, is not installed`;
  }
}

/** Whether `prlimit` ended instead of becoming the program. */
export function hasNotBecome(code: number | null, stderr: string): boolean {
  return code !== null && CANNOT_START.has(code) && stderr.startsWith('prlimit: ');
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

/**
 * Whether an end that is no success was for want of memory: the kernel killed a process for it while this one ran, and this one was killed;
 * or it had a limit of memory, and says so itself. (At such a limit a program only gets no more; what it does then is its own.)
 */
export function ranOutOfMemory(
  { limits }: ProcessSpec,
  end: { readonly code: number | null; readonly signal: string | null; readonly stderr: string },
  oomKillsBefore: number,
): boolean {
  if (end.code === 0) return false;
  if (end.signal === 'SIGKILL' && oomKills() > oomKillsBefore) return true;
  return limits?.memoryBytes !== undefined && SAYS_NO_MEMORY.test(end.stderr);
}
