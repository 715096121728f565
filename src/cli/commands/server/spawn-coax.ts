import { fileURLToPath } from 'node:url';
import { CoaxError } from '../../../errors/coax-error.ts';
import { LOG_FILE_VARIABLE } from '../../live/service.ts';

const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url));
/** The first start may have to build the guests' image. */
const READY_MS = 120_000;
/** As the units for systemd have it: what is in a data directory is for its owner. */
const UMASK = 0o077;

/**
 * Starts `coax ARGS` in the background, in a session of its own; what it says is appended to `logFile`, which it opens anew at SIGHUP.
 * `env` is added to our environment. Gives its pid once it serves.
 *
 * Errors: COAX_SERVER_UNREACHABLE when it does not come up, with the last lines of what it logged.
 */
export async function spawnCoax(
  args: readonly string[],
  options: {
    readonly cwd: string;
    readonly logFile: string;
    readonly env?: Readonly<Record<string, string>>;
    /** Hears what keeps it from serving yet. */
    readonly onStatus?: (status: string) => void;
  },
): Promise<number> {
  const { DaemonFault, startDaemon } = await import('../../../linux/daemon/start-daemon.ts');
  const { cwd, logFile } = options;
  const env = Object.fromEntries(
    Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
  try {
    const { pid } = await startDaemon({
      program: process.execPath,
      args: [...process.execArgv, MAIN, ...args],
      ...{ logFile, cwd, umask: UMASK, readyMs: READY_MS },
      ...(options.onStatus && { onStatus: options.onStatus }),
      env: { ...env, ...options.env, NO_COLOR: '1', [LOG_FILE_VARIABLE]: logFile },
    });
    return pid;
  } catch (error) {
    if (!(error instanceof DaemonFault)) throw error;
    const what = args[0] === 'agent' ? 'agent' : 'server';
    const reason =
      error.code === 'ETIMEDOUT'
        ? `the ${what} does not serve after ${READY_MS / 1000} s, and was ended`
        : `the ${what} ended at once`;
    throw new CoaxError('COAX_SERVER_UNREACHABLE', reason, {
      where: logFile,
      faults: error.lines.map(line => ({ where: 'log', reason: line })),
      hint: `Mend what its log says; \`coax ${args[0]}\` shows it as it comes.`,
    });
  }
}
