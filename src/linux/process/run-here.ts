import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { Head, Lines, Tail } from './bounded-output.ts';
import { signalGroup } from './group.ts';
import { commandOf, faultOfLimits, hasNotBecome, oomKills, ranOutOfMemory } from './limits.ts';
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

type Child = ChildProcessByStdio<Writable | null, Readable, Readable>;

let reaped: ReapedTime | undefined;

/** Hooks of a run in this process: also the pid, as soon as there is one. */
export interface RunHooks extends ProcessHooks {
  readonly onStart?: (pid: number) => void;
}

/**
 * Runs a program as a child of this very process: no shell, own session and group, exactly the given environment.
 * Its output is read while it runs, so it can never block on us. It is over when the program exits and its pipes have
 * closed; pipes that a grandchild keeps open are given up after 250 ms. Nothing of its group outlives the run (a
 * grandchild that made a session of its own does). Never throws.
 */
export function runHere(spec: ProcessSpec, hooks: RunHooks = {}): Promise<ProcessEnd> {
  const fault = faultOfSpec(spec) ?? faultOfLimits(spec) ?? faultBehindLimits(spec);
  if (fault) return Promise.resolve(endedEarly('start_failed', fault, false));
  if (hooks.signal?.aborted)
    return Promise.resolve(endedEarly('aborted', 'was called off before it started', true));
  reaped ??= new ReapedTime();
  const before = oomKills();
  let child: Child;
  try {
    child = spawnChild(spec);
  } catch (error) {
    return Promise.resolve(failedStart(spec, error));
  }
  if (child.pid === undefined) {
    child.stdin?.on('error', () => {});
    return new Promise(resolve => child.once('error', error => resolve(failedStart(spec, error))));
  }
  hooks.onStart?.(child.pid);
  return new Promise(resolve => new Run(spec, hooks, child, child.pid!, resolve, before));
}

/** What the start of the program itself would say: with limits it is `prlimit` that is started. */
function faultBehindLimits(spec: ProcessSpec): string | null {
  return spec.limits === undefined ? null : faultOfStart(spec);
}

function spawnChild(spec: ProcessSpec): Child {
  const { env, cwd, input } = spec;
  const [program, args] = commandOf(spec);
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
  #exit: { code: number | null; signal: NodeJS.Signals | null; wallMs: number } | undefined;
  /** Undefined until known. */
  #cpuMs: number | null | undefined;

  constructor(
    spec: ProcessSpec,
    hooks: RunHooks,
    child: Child,
    pid: number,
    resolve: (end: ProcessEnd) => void,
    oomKillsBefore: number,
  ) {
    this.#oomKills = oomKillsBefore;
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
    this.#pipeGrace = setTimeout(() => this.#closePipes(), PIPE_GRACE_MS);
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
    this.#kill = setTimeout(() => signalGroup(this.#pid, 'SIGKILL'), this.#spec.graceMs);
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
    signalGroup(this.#pid, 'SIGKILL');
    this.#lines?.end();
    const { code, signal, wallMs } = this.#exit;
    const cause = this.#cause();
    if (cause === 'start_failed') {
      this.#resolve(endedEarly(cause, this.#stderr.text().trim(), false));
      return;
    }
    this.#resolve({
      cause,
      code,
      signal,
      reason: this.#reason(cause),
      transient: cause !== 'exit' && cause !== 'output_too_large' && !this.#metItsLimit(cause),
      stdout: this.#stdout.bytes(),
      stderr: this.#stderr.text(),
      use: { wallMs, cpuMs: this.#cpuMs, maxRssKib: this.#watch.stop() },
    });
  }

  #cause(): ProcessCause {
    if (this.#ended) return this.#ended;
    const { code, signal } = this.#exit!;
    const stderr = this.#stderr.text();
    if (this.#spec.limits !== undefined && hasNotBecome(code, stderr)) return 'start_failed';
    if (ranOutOfMemory(this.#spec, { code, signal, stderr }, this.#oomKills)) return 'out_of_memory';
    return code === null ? 'signal' : 'exit';
  }

  /** It would meet it again: unlike a kill by a system that was short of memory. */
  #metItsLimit(cause: ProcessCause): boolean {
    const { signal } = this.#exit!;
    return (
      (cause === 'out_of_memory' && signal !== 'SIGKILL') || (cause === 'signal' && signal === 'SIGXCPU')
    );
  }

  #reason(cause: ProcessCause): string {
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
        return this.#exit!.signal === 'SIGKILL'
          ? `${program} was killed by the kernel, which had no memory left`
          : `${program} needed more than its ${limits?.memoryBytes} bytes of memory`;
      case 'signal':
        if (this.#exit!.signal === 'SIGXCPU' && limits?.cpuSeconds !== undefined)
          return `${program} used more than its ${limits.cpuSeconds} s of CPU time`;
        return `${program} was ended by ${this.#exit!.signal}`;
      default:
        return `${program} ended with exit status ${this.#exit!.code}`;
    }
  }
}
