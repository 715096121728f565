import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { uptime } from 'node:os';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endGroupsOf } from '../cgroup/own-groups.ts';
import { signalGroup } from './group.ts';
import { endOrphans, TOKEN_PREFIX, type UntoldRun } from './orphans.ts';
import {
  endedEarly,
  type ProcessEnd,
  type ProcessHooks,
  type ProcessSpec,
  STDOUT_WINDOW_BYTES,
} from './process-spec.ts';
import type { FromSpawner, ToSpawner } from './spawner-main.ts';

/** A spawner that says nothing for so long after a run's last limit is stuck and is ended. */
const SILENCE_MAX_MS = 10_000;
/** What was taken of standard output is told in steps of so much: a short output needs no word at all. */
const TOOK_STEP_BYTES = STDOUT_WINDOW_BYTES / 4;
/**
 * The smaller the heap, the faster it starts programs (starts of /bin/true a second on two cores: 690 with Node's own
 * limit of the young generation, 820 with this one, 970 with it and without the TypeScript loader in memory).
 */
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=1'];

interface InFlight extends UntoldRun {
  readonly hooks: ProcessHooks;
  readonly resolve: (end: ProcessEnd) => void;
  readonly onAbort: () => void;
  readonly watchdog: NodeJS.Timeout;
  pid: number | undefined;
  /** Bytes of standard output that were taken, and the spawner has not been told. */
  took: number;
}

/**
 * A small process that starts programs for us, so that their start costs the same however large our own heap is. It ends
 * everything it started when we are gone, even by SIGKILL; when it is gone itself, we do, and its runs end as `lost`.
 * It does not keep our process alive unless a run is under way.
 */
export class Spawner {
  readonly #child: ChildProcess;
  /** Tells its command line from every other, also between fork and exec. */
  readonly #token = `${TOKEN_PREFIX}${randomBytes(12).toString('hex')}`;
  readonly #inFlight = new Map<number, InFlight>();
  readonly #gone: Promise<void>;
  #lastId = 0;
  #usable = true;

  constructor() {
    const main = fileURLToPath(new URL(`./spawner-main${extname(import.meta.url)}`, import.meta.url));
    const { NODE_COMPILE_CACHE: cache, COAX_CGROUP: place } = process.env;
    this.#child = spawn(process.execPath, [...NODE_FLAGS, main, this.#token], {
      cwd: '/',
      env: { ...(cache && { NODE_COMPILE_CACHE: cache }), ...(place && { COAX_CGROUP: place }) },
      // Its own session: neither ^C nor a signal to our group may end it before we have ended the runs.
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    this.#child.on('message', (message: FromSpawner) => this.#onMessage(message));
    // Its last messages (which groups it started) come before `disconnect`, but maybe after `exit`.
    this.#child.once('disconnect', () => this.#onGone());
    this.#child.on('error', () => this.#onGone());
    this.#gone = new Promise(resolve => {
      this.#child.once('exit', () => resolve());
      this.#child.once('error', () => resolve());
    });
    this.#child.unref();
    this.#child.channel?.unref();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** False once it is gone or closed. */
  get usable(): boolean {
    return this.#usable;
  }

  get running(): number {
    return this.#inFlight.size;
  }

  /** As `runHere`, but there. Never throws. */
  run(spec: ProcessSpec, hooks: ProcessHooks): Promise<ProcessEnd> {
    if (hooks.signal?.aborted)
      return Promise.resolve(endedEarly('aborted', 'was called off before it started', true));
    const id = ++this.#lastId;
    return new Promise(resolve => {
      const onAbort = (): void => this.#send({ kind: 'abort', id });
      const watchdog = setTimeout(() => this.kill(), spec.timeoutMs + spec.graceMs + SILENCE_MAX_MS);
      this.#inFlight.set(id, {
        spec,
        hooks,
        resolve,
        onAbort,
        watchdog,
        pid: undefined,
        took: 0,
        sentAtUptime: uptime(),
      });
      hooks.signal?.addEventListener('abort', onAbort, { once: true });
      if (this.#inFlight.size === 1) this.#child.channel?.ref();
      const { onStderrLine, onStdout } = hooks;
      this.#send({
        kind: 'run',
        id,
        spec,
        lines: onStderrLine !== undefined,
        streams: onStdout !== undefined,
      });
    });
  }

  /** Ends it and all it runs, at once. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Ends it and all it runs; done when it is gone. */
  close(): Promise<void> {
    this.#usable = false;
    this.#child.ref();
    if (this.#child.connected) this.#child.disconnect();
    return this.#gone;
  }

  #send(message: ToSpawner): void {
    // A failed send needs no care: `disconnect` follows.
    if (this.#usable && this.#child.connected) this.#child.send(message, () => {});
    else this.#onGone();
  }

  #onMessage(message: FromSpawner): void {
    const run = this.#inFlight.get(message.id);
    if (run === undefined) return;
    if (message.kind === 'started') run.pid = message.pid;
    else if (message.kind === 'line') run.hooks.onStderrLine?.(message.line);
    else if (message.kind === 'stdout') this.#onOutput(message.id, run, message.piece);
    else this.#finish(message.id, run, message.end);
  }

  #onOutput(id: number, run: InFlight, piece: Uint8Array): void {
    const taken = run.hooks.onStdout?.(piece);
    if (taken === undefined) this.#took(id, run, piece.length);
    else void taken.then(() => this.#took(id, run, piece.length));
  }

  #took(id: number, run: InFlight, bytes: number): void {
    run.took += bytes;
    if (run.took < TOOK_STEP_BYTES || !this.#inFlight.has(id)) return;
    this.#send({ kind: 'took', id, bytes: run.took });
    run.took = 0;
  }

  #finish(id: number, run: InFlight, end: ProcessEnd): void {
    clearTimeout(run.watchdog);
    run.hooks.signal?.removeEventListener('abort', run.onAbort);
    this.#inFlight.delete(id);
    if (this.#inFlight.size === 0) this.#child.channel?.unref();
    run.resolve(end);
  }

  #onGone(): void {
    this.#usable = false;
    if (this.#inFlight.size === 0) return;
    const untold: UntoldRun[] = [];
    for (const run of this.#inFlight.values()) {
      if (run.pid === undefined) untold.push(run);
      else signalGroup(run.pid, 'SIGKILL');
    }
    if (this.pid !== undefined) endGroupsOf(this.pid);
    if (untold.length > 0) endOrphans(this.#token, untold);
    for (const [id, run] of [...this.#inFlight]) {
      const reason = `${run.spec.program} was ended because the process that started it is gone`;
      this.#finish(id, run, endedEarly('lost', reason, true));
    }
  }
}
