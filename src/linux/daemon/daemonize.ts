import { constants } from 'node:os';
import { resolve } from 'node:path';
import { LinuxError } from '../linux-error.ts';
import { reopenLogOnHangUp } from './log-file.ts';
import { notify, notifyReady, notifyStopping } from './notify.ts';
import { holdPidFile } from './pid-file.ts';
import { startDaemon } from './start-daemon.ts';

/** Tells a process that it is the daemon, and of which log. */
const MARK = 'DAEMON_LOG';

export interface DaemonOptions {
  /** Where its output goes; opened anew at SIGHUP. */
  readonly logFile: string;
  /** Holds its number, and a lock for as long as it lives. None if not given. */
  readonly pidFile?: string;
  /** `/` if not given. */
  readonly cwd?: string;
  /** Bits that files it makes do not get; 0o027 if not given. */
  readonly umask?: number;
  /** How long it may take until `ready`; 60,000 if not given. */
  readonly readyMs?: number;
}

/** This process, in the background. */
export interface Daemon extends Disposable {
  /** It serves: now the command that started it returns, with status 0. */
  ready(status?: string): void;
  /** It cannot serve: the command that started it fails and says so. Ends this process with status 1. */
  fail(error: unknown): never;
}

/**
 * Goes on in the background: the same program, with the same arguments, in a new session, since a process of Node cannot fork. The call
 * returns in the daemon only. Where it was called in the foreground it waits until the daemon says `ready()`, and ends that process with
 * status 0.
 *
 * In the foreground it throws DaemonFault (what the daemon said, and the end of its log) when the daemon does not come up; the code is
 * EEXIST when one runs already that holds the pid file.
 */
export async function daemonize(options: DaemonOptions): Promise<Daemon> {
  const { logFile, pidFile, ...more } = options;
  if (process.env[MARK] === undefined) {
    const given = Object.entries(process.env).filter(
      (pair): pair is [string, string] => pair[1] !== undefined,
    );
    await startDaemon({
      ...more,
      program: process.execPath,
      args: [...process.execArgv, ...process.argv.slice(1)],
      env: { ...Object.fromEntries(given), [MARK]: resolve(logFile) },
      logFile: resolve(logFile),
    });
    process.exit(0);
  }
  const log = process.env[MARK];
  // What it starts is no daemon.
  delete process.env[MARK];
  const opened = new DisposableStack();
  opened.use(reopenLogOnHangUp(log, error => console.error(error)));
  const fail = (error: unknown): never => {
    const reason = error instanceof Error ? error.message : String(error);
    const numbers: Readonly<Record<string, number>> = constants.errno;
    const errno = error instanceof LinuxError ? numbers[error.code] : undefined;
    notify({ STATUS: reason, ...(errno !== undefined && { ERRNO: errno }) });
    console.error(reason);
    process.exit(1);
  };
  try {
    if (pidFile !== undefined) opened.use(holdPidFile(pidFile));
  } catch (error) {
    fail(error);
  }
  return {
    ready: status => {
      notifyReady(status);
    },
    fail,
    [Symbol.dispose]() {
      notifyStopping();
      opened.dispose();
    },
  };
}
