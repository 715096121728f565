import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CoaxError } from '../../../errors/coax-error.ts';
import { isCoaxProcess } from '../../data-dir.ts';

const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url));
const TAIL_LINES = 8;

/** A process of Coax that outlives this one. */
export interface Detached {
  readonly pid: number;
  lives(): boolean;
  /** That it did not come up, with the last lines of what it logged. */
  failure(reason: string, hint: string): CoaxError;
}

/** Starts `coax ARGS` in a session of its own; what it says is appended to `logFile`. `env` is added to our environment. */
export async function spawnCoax(
  args: readonly string[],
  options: {
    readonly cwd: string;
    readonly logFile: string;
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<Detached> {
  const { spawnDetached } = await import('../../../linux/process/exec.ts');
  const { cwd, logFile } = options;
  const from = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  const env = Object.fromEntries(
    Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
  const pid = await spawnDetached(process.execPath, [...process.execArgv, MAIN, ...args], {
    stdoutFile: logFile,
    stderrFile: logFile,
    cwd,
    env: { ...env, ...options.env, NO_COLOR: '1' },
  });
  return {
    pid,
    lives: () => isCoaxProcess(pid),
    failure(reason, hint) {
      const faults = tailOf(logFile, from).map(line => ({ where: 'log', reason: line }));
      return new CoaxError('COAX_SERVER_UNREACHABLE', reason, { where: logFile, faults, hint });
    },
  };
}

/** The last lines that were written since the file had `from` bytes. */
function tailOf(file: string, from: number): string[] {
  try {
    return readFileSync(file).subarray(from).toString('utf8').trimEnd().split('\n').slice(-TAIL_LINES);
  } catch {
    return [];
  }
}
