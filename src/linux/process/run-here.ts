import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { ownGroups } from '../cgroup/own-groups.ts';
import type { RunGroup } from '../cgroup/run-group.ts';
import { Head, Lines, Tail } from './bounded-output.ts';
import { signalGroup } from './group.ts';
import {
  canEnterGroups,
  commandOf,
  faultOfLimits,
  hasNotBecome,
  type MemoryRanOut,
  oomKills,
  ranOutOfMemory,
} from './limits.ts';
import { TOKEN_PREFIX } from './orphans.ts';
import {
  endedEarly,
  type ProcessCause,
  type ProcessEnd,
  type ProcessHooks,
  type ProcessSpec,
} from './process-spec.ts';
import { ReapedTime, ResourceWatch } from './resource-use.ts';
import { explainStart, faultOfSpec, faultOfStart } from './start-fault.ts';

/** How long a pipe may stay open after the program's end: by then only a grandchild can hold it. */
const PIPE_GRACE_MS = 250;
const LIVE_LINES_MAX = 1000;

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly wallMs: number;
}

type Child = ChildProcessByStdio<Writable | null, Readable, Readable>;

let reaped: ReapedTime | undefined;

/** Hooks of a run in this process: also the pid, as soon as there is one. */
export interface RunHooks extends ProcessHooks {
  readonly onStart?: (pid: number) => void;
  /** Stands in the command line of what is started until it has entered its group; of a spawner, its token. */
  readonly token?: string;
}

/**
 * Runs a program as a child of this very process: no shell, own session and group, exactly the given environment.
 * Its output is read while it runs, so it can never block on us. It is over when the program exits and its pipes have
 * closed; pipes that a grandchild keeps open are given up after 250 ms. Nothing of its group outlives the run; of a run
 * with limits on a system with cgroup v2, nothing at all (else a grandchild that made a session of its own does). Never throws.
 */
export function runHere(spec: ProcessSpec, hooks: RunHooks = {}): Promise<ProcessEnd> {
  const fault = faultOfSpec(spec) ?? faultOfLimits(spec) ?? faultBehindLimits(spec);
  if (fault) return Promise.resolve(endedEarly('start_failed', fault, false));
  if (hooks.signal?.aborted)
    return Promise.resolve(endedEarly('aborted', 'was called off before it started', true));
  reaped ??= new ReapedTime();
  const before = oomKills();
  const group = groupFor(spec);
  let child: Child;
  try {
    child = spawnChild(spec, group, hooks.token ?? TOKEN_PREFIX);
  } catch (error) {
    group?.remove();
    return Promise.resolve(failedStart(spec, error));
  }
  if (child.pid === undefined) {
    group?.remove();
    child.stdin?.on('error', () => {});
    return new Promise(resolve => child.once('error', error => resolve(failedStart(spec, error))));
  }
  hooks.onStart?.(child.pid);
  return new Promise(resolve => new Run(spec, hooks, child, child.pid!, resolve, { before, group }));
}

function groupFor({ limits }: ProcessSpec): RunGroup | null {
  if (limits === undefined || !canEnterGroups()) return null;
  return ownGroups()?.make(limits) ?? null;
}

/** What the start of the program itself would say: with limits it is `prlimit` that is started. */
function faultBehindLimits(spec: ProcessSpec): string | null {
  return spec.limits === undefined ? null : faultOfStart(spec);
}

function spawnChild(spec: ProcessSpec, group: RunGroup | null, token: string): Child {
  const { cwd, input } = spec;
  const { program, args, env } = commandOf(spec, group, token);
  const file = typeof input === 'object' && 'file' in input ? openSync(input.file, 'r') : null;
  try {
    const stdio = [file ?? 'pipe', 'pipe', 'pipe'] as ['pipe', 'pipe', 'pipe'];
    return spawn(program, args, { env: { ...env }, cwd, stdio, detached: true });
  } finally {
    if (file !== null) closeSync(file);
  }
}

function failedStart(spec: ProcessSpec, error: unknown): ProcessEnd {
  const { reason, transient } = explainStart(spec, error as NodeJS.ErrnoException);
  return endedEarly('start_failed', reason, transient);
}

/** One run under way. */
class Run {
  readonly #spec: ProcessSpec;
  readonly #hooks: RunHooks;
  readonly #child: Child;
  readonly #pid: number;
  readonly #resolve: (end: ProcessEnd) => void;
  readonly #startedMs = performance.now();
  readonly #oomKills: number;
  readonly #group: RunGroup | null;
  readonly #stdout: Head;
  readonly #stderr: Tail;
  readonly #lines: Lines | undefined;
  readonly #watch: ResourceWatch;
  readonly #deadline: NodeJS.Timeout;
  #kill: NodeJS.Timeout | undefined;
  #pipeGrace: NodeJS.Timeout | undefined;
  /** Why we ended it, if we did. */
  #ended: 'timeout' | 'aborted' | 'output_too_large' | undefined;
  #pipesOpen = 2;
  /** Whether standard output waits for whoever takes it. */
  #held = false;
  #handedOn = 0;
  #exit: Exit | undefined;
  /** Undefined until known. */
  #cpuMs: number | null | undefined;

  constructor(
    spec: ProcessSpec,
    hooks: RunHooks,
    child: Child,
    pid: number,
    resolve: (end: ProcessEnd) => void,
    { before, group }: { before: number; group: RunGroup | null },
  ) {
    this.#oomKills = before;
    this.#group = group;
    this.#spec = spec;
    this.#hooks = hooks;
    this.#child = child;
    this.#pid = pid;
    this.#resolve = resolve;
    this.#stdout = new Head(spec.stdoutMaxBytes);
    this.#stderr = new Tail(spec.stderrTailBytes);
    this.#lines = hooks.onStderrLine && new Lines(LIVE_LINES_MAX, hooks.onStderrLine);
    this.#watch = new ResourceWatch(pid);
    this.#deadline = setTimeout(() => this.#end('timeout'), spec.timeoutMs);
    hooks.signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#connect();
  }

  readonly #onAbort = (): void => this.#end('aborted');

  #connect(): void {
    const { stdin, stdout, stderr } = this.#child;
    stdin?.on('error', () => {}); // EPIPE, ECONNRESET: it did not want its input
    stdin?.end(this.#spec.input);
    stdout.on('data', (piece: Buffer) => {
      if (this.#ended === 'output_too_large' || this.#take(piece)) return;
      this.#end('output_too_large');
      stdout.destroy(); // its next write fails: it cannot keep us busy until the SIGKILL
    });
    stderr.on('data', (piece: Buffer) => {
      this.#stderr.add(piece);
      this.#lines?.add(piece);
    });
    for (const pipe of [stdout, stderr]) {
      pipe.on('error', () => {});
      pipe.once('close', () => {
        this.#pipesOpen--;
        this.#settle();
      });
    }
    this.#child.once('exit', (code, signal) => this.#onExit(code, signal));
  }

  /** Keeps a piece of standard output, or hands it on; false when it is too much. */
  #take(piece: Buffer): boolean {
    const { onStdout } = this.#hooks;
    if (onStdout === undefined) return this.#stdout.add(piece);
    this.#handedOn += piece.length;
    if (this.#handedOn > this.#spec.stdoutMaxBytes) return false;
    const taken = onStdout(piece);
    if (taken === undefined) return true;
    const { stdout } = this.#child;
    this.#held = true;
    stdout.pause();
    void taken.then(() => {
      this.#held = false;
      stdout.resume();
      if (this.#exit !== undefined) this.#awaitPipes();
    });
    return true;
  }

  /** What is still in the pipes when the program has ended is read; a pipe that only a grandchild holds is given up. */
  #awaitPipes(): void {
    clearTimeout(this.#pipeGrace);
    if (this.#pipesOpen === 0 || (this.#held && this.#ended === undefined)) return;
    this.#pipeGrace = setTimeout(() => setImmediate(() => this.#givePipesUp()), PIPE_GRACE_MS);
  }

  /**
   * Called after the turn of the event loop in which the time was over: where we were not given the processor for so long, that turn
   * is the first to look at the pipes, and has read what lies in them.
   */
  #givePipesUp(): void {
    if (!this.#held || this.#ended !== undefined) this.#closePipes();
  }

  #closePipes(): void {
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
  }

  #end(cause: 'timeout' | 'aborted' | 'output_too_large'): void {
    if (this.#ended) return;
    if (this.#exit !== undefined) {
      // It is over, but whoever takes its output has not taken all of it.
      if (!this.#held) return;
      this.#ended = cause;
      this.#closePipes();
      return;
    }
    this.#ended = cause;
    signalGroup(this.#pid, 'SIGTERM');
    this.#kill = setTimeout(() => this.#killAll(), this.#spec.graceMs);
  }

  #killAll(): void {
    this.#group?.kill();
    signalGroup(this.#pid, 'SIGKILL');
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    this.#exit = { code, signal, wallMs: Math.round(performance.now() - this.#startedMs) };
    this.#child.stdin?.destroy();
    this.#awaitPipes();
    reaped!.onExit(cpuMs => {
      this.#cpuMs = cpuMs;
      this.#settle();
    });
  }

  #settle(): void {
    if (this.#exit === undefined || this.#cpuMs === undefined || this.#pipesOpen > 0) return;
    clearTimeout(this.#deadline);
    clearTimeout(this.#kill);
    clearTimeout(this.#pipeGrace);
    this.#hooks.signal?.removeEventListener('abort', this.#onAbort);
    this.#lines?.end();
    const end = this.#told(this.#exit, this.#cpuMs);
    this.#killAll();
    this.#group?.remove();
    this.#resolve(end);
  }

  #told({ code, signal, wallMs }: Exit, reapedMs: number | null): ProcessEnd {
    const stderr = this.#stderr.text();
    const maxRssKib = this.#watch.stop();
    const outOf = this.#ended
      ? null
      : ranOutOfMemory(this.#spec, { code, signal, stderr }, this.#group, this.#oomKills);
    const cause = this.#cause(outOf);
    if (cause === 'start_failed') return endedEarly(cause, stderr.trim(), false);
    const { cpuMs, memoryPeakKib } = this.#group?.use() ?? { cpuMs: null, memoryPeakKib: null };
    // It would meet its own limits again.
    const metItsLimit = outOf === 'its own' || (cause === 'signal' && signal === 'SIGXCPU');
    return {
      cause,
      code,
      signal,
      reason: this.#reason(cause, outOf),
      transient: cause !== 'exit' && cause !== 'output_too_large' && !metItsLimit,
      stdout: this.#stdout.bytes(),
      stderr,
      use: { wallMs, cpuMs: cpuMs ?? reapedMs, maxRssKib, memoryPeakKib },
    };
  }

  #cause(outOf: MemoryRanOut): ProcessCause {
    if (this.#ended) return this.#ended;
    const { code } = this.#exit!;
    if (this.#spec.limits !== undefined && hasNotBecome(code, this.#stderr.text())) return 'start_failed';
    if (outOf !== null) return 'out_of_memory';
    return code === null ? 'signal' : 'exit';
  }

  #refused(): string {
    const times = this.#exit!.code === 0 ? 0 : (this.#group?.events().processesRefused ?? 0);
    return times === 0 ? '' : `; it had its ${this.#spec.limits?.processes} processes and got no more`;
  }

  #reason(cause: ProcessCause, outOf: MemoryRanOut): string {
    const { program, timeoutMs, stdoutMaxBytes, graceMs, limits } = this.#spec;
    const killed =
      this.#exit!.signal === 'SIGKILL' ? `; it ignored SIGTERM for ${graceMs} ms and was killed` : '';
    switch (cause) {
      case 'timeout':
        return `${program} ran longer than its ${timeoutMs} ms${killed}`;
      case 'aborted':
        return `${program} was called off while it ran${killed}`;
      case 'output_too_large':
        return `${program} wrote more than ${stdoutMaxBytes} bytes to standard output${killed}`;
      case 'out_of_memory':
        return outOf === 'its own'
          ? `${program} needed more than its ${limits?.memoryBytes} bytes of memory`
          : `${program} was killed by the kernel, which had no memory left`;
      case 'signal':
        if (this.#exit!.signal === 'SIGXCPU' && limits?.cpuSeconds !== undefined)
          return `${program} used more than its ${limits.cpuSeconds} s of CPU time`;
        return `${program} was ended by ${this.#exit!.signal}`;
      default:
        return `${program} ended with exit status ${this.#exit!.code}${this.#refused()}`;
    }
  }
}
