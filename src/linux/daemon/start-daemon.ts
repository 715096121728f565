import { readFileSync, statSync } from 'node:fs';
import { LinuxError } from '../linux-error.ts';
import { errnoName } from '../native/errno.ts';
import { type DetachedProcess, startDetached } from '../process/exec.ts';
import { signalGroup } from '../process/group.ts';
import { NotifySocket } from './notify-socket.ts';

const READY_MS = 60_000;
const GRACE_MS = 5000;
const TAIL_LINES = 8;

/** A program to start in the background. */
export interface DaemonSpec {
  /** Absolute path, or a name in the system's PATH. */
  readonly program: string;
  readonly args: readonly string[];
  /** Its output is appended here; made if missing, with mode 0600. */
  readonly logFile: string;
  /** `/` if not given, so that no file system is kept busy. */
  readonly cwd?: string;
  /** The whole environment, to which NOTIFY_SOCKET is added; by default PATH alone. */
  readonly env?: Readonly<Record<string, string>>;
  /** Bits that files it makes do not get; 0o027 if not given. */
  readonly umask?: number;
  /** How long it may take until it says that it serves; 60,000 if not given. It may ask for more: EXTEND_TIMEOUT_USEC. */
  readonly readyMs?: number;
  /** What it says of itself meanwhile (STATUS=). */
  readonly onStatus?: (status: string) => void;
}

export interface StartedDaemon {
  readonly pid: number;
  /** The last that it said of itself; may be empty. */
  readonly status: string;
}

/** A daemon that did not come up. `code` is what it said itself (ERRNO=), else ECHILD when it has ended, or ETIMEDOUT. */
export class DaemonFault extends LinuxError {
  readonly logFile: string;
  /** The last lines that it wrote into its log, eight at most. */
  readonly lines: readonly string[];

  constructor(code: string, reason: string, logFile: string, lines: readonly string[]) {
    super(code, reason, lines.length > 0 ? lines.join('\n') : `Nothing stands in ${logFile}.`);
    this.name = 'DaemonFault';
    this.logFile = logFile;
    this.lines = lines;
  }
}

/**
 * Starts a daemon and returns when it serves: in a session of its own, with no terminal, standard input empty, its output in a log, no
 * descriptor of ours. That it serves it tells by READY=1 of sd_notify(3), which daemons for systemd do. One that does not in time is
 * ended.
 *
 * Errors: DaemonFault when it ends before, or says nothing in time; ProgramMissing, and the system's error when it cannot be started.
 */
export async function startDaemon(spec: DaemonSpec): Promise<StartedDaemon> {
  using socket = new NotifySocket();
  const { program, args, logFile, cwd = '/', umask = 0o027 } = spec;
  const from = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  const started = await startDetached(program, args, {
    ...{ stdoutFile: logFile, stderrFile: logFile, cwd, umask },
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...spec.env, NOTIFY_SOCKET: socket.path },
  });
  const told = await untilReady(started, socket, spec);
  if (told.fault === null) return { pid: started.pid, status: told.status };
  throw new DaemonFault(told.fault.code, told.fault.reason, logFile, tailOf(logFile, from));
}

interface Told {
  readonly status: string;
  readonly fault: { readonly code: string; readonly reason: string } | null;
}

async function untilReady(started: DetachedProcess, socket: NotifySocket, spec: DaemonSpec): Promise<Told> {
  const { program, readyMs = READY_MS, onStatus } = spec;
  let deadline = performance.now() + readyMs;
  let status = '';
  let errno: number | null = null;
  let ended: Awaited<DetachedProcess['ended']> | null = null;
  void started.ended.then(end => {
    ended = end;
  });
  for (;;) {
    // What it said before it ended is still in the socket: an end counts when nothing more comes.
    const wasOver = ended as Awaited<DetachedProcess['ended']> | null;
    const told = await socket.next();
    if (told.has('STATUS')) {
      status = told.get('STATUS')!;
      onStatus?.(status);
    }
    if (told.has('ERRNO')) errno = Number(told.get('ERRNO'));
    if (told.get('READY') === '1') {
      // systemd-notify asks whether it was heard (BARRIER=1) when it has told.
      while ((await socket.next()).size > 0);
      return { status, fault: null };
    }
    const more = Number(told.get('EXTEND_TIMEOUT_USEC') ?? 0) / 1000;
    if (more > 0) deadline = Math.max(deadline, performance.now() + more);
    if (told.size > 0) continue;
    if (wasOver !== null) {
      const how = wasOver.signal ?? `exit status ${wasOver.code}`;
      const reason = `${program} ended before it served (${how})${status && `: ${status}`}`;
      return { status, fault: { code: errno ? errnoName(errno) : 'ECHILD', reason } };
    }
    if (performance.now() > deadline) {
      await end(started);
      const reason = `${program} did not say within ${readyMs / 1000} s that it serves${status && `: ${status}`}`;
      return { status, fault: { code: 'ETIMEDOUT', reason } };
    }
  }
}

async function end({ pid, ended }: DetachedProcess): Promise<void> {
  signalGroup(pid, 'SIGTERM');
  const kill = setTimeout(() => signalGroup(pid, 'SIGKILL'), GRACE_MS);
  await ended;
  clearTimeout(kill);
  signalGroup(pid, 'SIGKILL');
}

/** The last lines that were written since the file had `from` bytes. */
function tailOf(file: string, from: number): string[] {
  try {
    const text = readFileSync(file).subarray(from).toString('utf8').trimEnd();
    return text === '' ? [] : text.split('\n').slice(-TAIL_LINES);
  } catch {
    return [];
  }
}
