/** A program to run once, and its limits. Nothing is taken from our own environment. */
export interface ProcessSpec {
  /** Absolute path. */
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Written to standard input, which is then closed; the program need not read it. A file is opened as standard input. */
  readonly input: string | Uint8Array | { readonly file: string };
  /** More than this on standard output ends the program, whether it is kept or handed on. */
  readonly stdoutMaxBytes: number;
  /** How much of the end of standard error is kept; it may write any amount. */
  readonly stderrTailBytes: number;
  readonly timeoutMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly graceMs: number;
  /** None if absent. */
  readonly limits?: ProcessLimits;
}

/**
 * What a program may use. What is absent is not limited; with any limits, also none (`{}`), a run has a control group of its own where the system
 * has cgroup v2, and nothing of it outlives the run. What needs a controller that is missing there is not limited; `limitsHere` tells.
 */
export interface ProcessLimits {
  /**
   * Memory of all its processes together (memory.max, without swap); at more the kernel ends all of them. Where there is no controller: address space
   * of each process, what it has asked for, used or not (RLIMIT_AS); then it only gets no more.
   */
  readonly memoryBytes?: number;
  /** CPU time of each process; then SIGXCPU (RLIMIT_CPU). */
  readonly cpuSeconds?: number;
  /** Descriptors that are open at one time in each process (RLIMIT_NOFILE). */
  readonly openFiles?: number;
  /** Processes and threads at one time, all together (pids.max); then fork(2) gives EAGAIN. */
  readonly processes?: number;
  /** Processors' worth of time, all together: 0.5 is half of one (cpu.max). Then it is slowed. */
  readonly cpus?: number;
  /** From and to each disk, all together (io.max). Then it is slowed. */
  readonly readBytesPerSecond?: number;
  readonly writeBytesPerSecond?: number;
}

/**
 * Why a run ended. `exit`: by itself, see `code`. `signal`: by a signal that was not ours, see `signal`. `out_of_memory`: for
 * want of memory, whatever code or signal that gave. `timeout`, `aborted`, `output_too_large`: we ended it. `start_failed`: it
 * never ran. `lost`: the spawner that ran it is gone.
 */
export type ProcessCause =
  | 'exit'
  | 'signal'
  | 'out_of_memory'
  | 'timeout'
  | 'aborted'
  | 'output_too_large'
  | 'start_failed'
  | 'lost';

export interface ResourceUse {
  readonly wallMs: number;
  /**
   * User and system time. With a control group: of all its processes. Without: the program's waited-for children included, in steps of 10 ms; null if
   * not known.
   */
  readonly cpuMs: number | null;
  /** Peak resident memory of the program as last seen while it ran; null if it ended before anybody looked. */
  readonly maxRssKib: number | null;
  /** Peak memory of all its processes together, caches of files included; null without a control group that counts it. */
  readonly memoryPeakKib: number | null;
}

export interface ProcessEnd {
  readonly cause: ProcessCause;
  /** Exit status, if it exited (whatever the cause). */
  readonly code: number | null;
  /** Name of the signal that ended it, if one did. */
  readonly signal: string | null;
  /** What happened, as a sentence for people. */
  readonly reason: string;
  /** May the same run go well another time, with nothing mended? Only of meaning when it did not exit. */
  readonly transient: boolean;
  readonly stdout: Uint8Array;
  readonly stderr: string;
  readonly use: ResourceUse;
}

export interface ProcessHooks {
  readonly signal?: AbortSignal;
  /** The first 1,000 lines of standard error, as they come. */
  readonly onStderrLine?: (line: string) => void;
  /**
   * Standard output as it comes, instead of at the end. While a promise that it gave is open, the program is slowed: at
   * most STDOUT_WINDOW_BYTES and a pipe's buffer are under way.
   */
  readonly onStdout?: (piece: Uint8Array) => void | Promise<void>;
}

/** Bytes of standard output on their way to `onStdout`. */
export const STDOUT_WINDOW_BYTES = 256 * 1024;

export const NO_USE: ResourceUse = { wallMs: 0, cpuMs: null, maxRssKib: null, memoryPeakKib: null };

/** The end of a run that gave nothing. */
export function endedEarly(cause: ProcessCause, reason: string, transient: boolean): ProcessEnd {
  return {
    cause,
    reason,
    transient,
    code: null,
    signal: null,
    stdout: new Uint8Array(0),
    stderr: '',
    use: NO_USE,
  };
}
