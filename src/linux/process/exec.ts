import { spawn } from 'node:child_process';
import { accessSync, closeSync, constants, openSync, statSync } from 'node:fs';
import { inheritedDescriptors } from './descriptors.ts';

/** Where our own tools are looked for; never the PATH of whoever started us. */
export const TOOL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const OUTPUT_MAX_BYTES = 64 * 1024 * 1024;
const GRACE_MS = 2000;

/** A program that is not in the system's PATH; whoever knows the package says which one to install. */
export class ProgramMissing extends Error {
  readonly program: string;

  constructor(program: string) {
    super(`the program ${program} is not installed`);
    this.name = 'ProgramMissing';
    this.program = program;
  }
}

export interface ExecOptions {
  /** Written to standard input, which is then closed. */
  input?: string;
  /** No limit if not given. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** The whole environment; by default PATH, HOME and LC_ALL=C. */
  env?: Record<string, string>;
}

export interface ExecEnd {
  /** Exit status, or null if a signal ended it. */
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

/** The absolute path of a tool in TOOL_PATH, or null. A name with a slash is taken as a path. */
export function findProgram(name: string): string | null {
  const candidates = name.includes('/') ? [name] : TOOL_PATH.split(':').map(folder => `${folder}/${name}`);
  return candidates.find(isExecutableFile) ?? null;
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function toolEnvironment(): Record<string, string> {
  return { PATH: TOOL_PATH, HOME: process.env.HOME ?? '/', LC_ALL: 'C' };
}

/**
 * Runs one of the system's own tools to its end, without a shell, and gives all it wrote (64 MiB at most, then it is
 * ended by SIGKILL). A non-zero exit is not an error. At the timeout or an abort the process gets SIGKILL, and
 * `signal` says so. Throws ProgramMissing if there is no such program, the system's error if it cannot be started.
 */
export async function exec(
  program: string,
  args: readonly string[],
  options: ExecOptions = {},
): Promise<ExecEnd> {
  const path = findProgram(program);
  if (path === null) throw new ProgramMissing(program);
  if (options.signal?.aborted) return { code: null, signal: 'SIGKILL', stdout: '', stderr: '' };
  const shade = openShade();
  let child: ReturnType<typeof spawn>;
  try {
    child = spawn(path, args, {
      env: options.env ?? toolEnvironment(),
      stdio: ['pipe', 'pipe', 'pipe', ...shade.stdio],
      detached: true,
    });
  } finally {
    shade.close();
  }
  const stop = () => killGroup(child.pid);
  const closePipes = () => {
    child.stdout!.destroy();
    child.stderr!.destroy();
  };
  const stdout = collect(child.stdout!, stop);
  const stderr = collect(child.stderr!, stop);
  child.stdin!.on('error', () => {}); // EPIPE: it did not want its input
  child.stdin!.end(options.input ?? '');
  const timer = options.timeoutMs === undefined ? undefined : setTimeout(stop, options.timeoutMs);
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    return await new Promise<ExecEnd>((resolve, reject) => {
      let grace: NodeJS.Timeout | undefined;
      child.once('error', reject);
      // A grandchild may hold the pipes open long after the program ended.
      child.once('exit', () => {
        // `setImmediate`: what lies in the pipes is read first, however late this turn of the event loop is.
        grace = setTimeout(() => setImmediate(closePipes), GRACE_MS);
      });
      child.once('close', (code, signal) => {
        clearTimeout(grace);
        resolve({ code, signal, stdout: stdout(), stderr: stderr() });
      });
    });
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', stop);
  }
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // it is gone already
  }
}

function collect(stream: NodeJS.ReadableStream, tooMuch: () => void): () => string {
  const pieces: Buffer[] = [];
  let bytes = 0;
  stream.on('error', () => {});
  stream.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > OUTPUT_MAX_BYTES) tooMuch();
    else pieces.push(piece);
  });
  return () => Buffer.concat(pieces).toString('utf8');
}

export interface DetachedOptions {
  /** Opened for appending, made if missing with mode 0600. */
  stdoutFile: string;
  stderrFile: string;
  cwd?: string;
  /** The whole environment; by default PATH, HOME and LC_ALL=C. */
  env?: Record<string, string>;
  /** Bits that files it makes do not get; ours if not given. */
  umask?: number;
}

/** A program that outlives us. */
export interface DetachedProcess {
  readonly pid: number;
  /** How it ended, if it ends while we live. Waiting for it does not keep us alive. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

/** As `startDetached`; gives the pid alone. */
export async function spawnDetached(
  program: string,
  args: readonly string[],
  options: DetachedOptions,
): Promise<number> {
  return (await startDetached(program, args, options)).pid;
}

/**
 * Starts a program that outlives us: own session, standard input empty, output appended to files. Done once it runs.
 * Throws ProgramMissing, or the system's error if it cannot be started.
 */
export async function startDetached(
  program: string,
  args: readonly string[],
  options: DetachedOptions,
): Promise<DetachedProcess> {
  const path = findProgram(program);
  if (path === null) throw new ProgramMissing(program);
  const stdout = openSync(options.stdoutFile, 'a', 0o600);
  let stderr: number | undefined;
  const shade = openShade();
  try {
    stderr = openSync(options.stderrFile, 'a', 0o600);
    const child = withUmask(options.umask, () =>
      spawn(path, args, {
        detached: true,
        stdio: ['ignore', stdout, stderr!, ...shade.stdio],
        env: options.env ?? toolEnvironment(),
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      }),
    );
    child.unref();
    const ended = new Promise<{ code: number | null; signal: string | null }>(resolve => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    return { pid: child.pid!, ended };
  } finally {
    shade.close();
    closeSync(stdout);
    if (stderr !== undefined) closeSync(stderr);
  }
}

/** A child takes ours at its start, which is over when `spawn` returns. */
function withUmask<T>(umask: number | undefined, start: () => T): T {
  if (umask === undefined) return start();
  const ours = process.umask(umask);
  try {
    return start();
  } finally {
    process.umask(ours);
  }
}

/**
 * Lays /dev/null over each descriptor that we were started with and that a child would inherit. (Node has no call that
 * closes them in the child only, and libuv leaves `ignore` above 2 as it is.)
 */
function openShade(): { stdio: ('ignore' | number)[]; close(): void } {
  const leaking = inheritedDescriptors();
  if (leaking.length === 0) return { stdio: [], close() {} };
  const empty = openSync('/dev/null', 'r+');
  const stdio = new Array<'ignore' | number>(Math.max(...leaking) - 2).fill('ignore');
  for (const descriptor of leaking) stdio[descriptor - 3] = empty;
  return { stdio, close: () => closeSync(empty) };
}
