import { TOOL_PATH } from '../../linux/process/exec.ts';
import type { ProcessEnd } from '../../linux/process/process-spec.ts';
import { runProcess } from '../../linux/process/run-process.ts';
import { limitsOf } from '../../step/executable/limits.ts';
import type { PackageCommand } from '../format/manifest.ts';

const STDOUT_BYTES = 1024 * 1024;
const TAIL_BYTES = 2048;
const GRACE_MS = 2000;

/** What a hook or a health check is told of what happens. */
export interface CommandPlace {
  readonly name: string;
  readonly version: string;
  /** The version that stood here before, or stands here still; empty: none. */
  readonly previous: string;
  /** The files of that version; the command runs there. */
  readonly files: string;
  /** The link to what stands on the host now. */
  readonly current: string;
}

/** Runs a command of a package to its end: null when it went well, or what went wrong. */
export type RunCommand = (
  command: PackageCommand,
  place: CommandPlace,
  signal?: AbortSignal,
) => Promise<string | null>;

/**
 * Runs a command of a package as steps are run: no shell, an own group that is ended as a whole, only the environment that is
 * given here, bounded output.
 */
export const runCommand: RunCommand = async ({ command, timeoutMs, limits }, place, signal) => {
  const [program, ...args] = command;
  const end = await runProcess(
    {
      program: program!.startsWith('/') ? program! : `${place.files}/${program}`,
      args,
      env: {
        PATH: TOOL_PATH,
        HOME: '/',
        LC_ALL: 'C.UTF-8',
        PACKAGE: place.name,
        PACKAGE_VERSION: place.version,
        PACKAGE_PREVIOUS: place.previous,
        PACKAGES: place.current,
      },
      cwd: place.files,
      input: '',
      stdoutMaxBytes: STDOUT_BYTES,
      stderrTailBytes: TAIL_BYTES,
      timeoutMs,
      graceMs: GRACE_MS,
      ...(limits && { limits: limitsOf(limits) }),
    },
    signal ? { signal } : {},
  );
  return end.cause === 'exit' && end.code === 0 ? null : faultOf(program!, end);
};

function faultOf(program: string, end: ProcessEnd): string {
  const said = (end.stderr.trim() || Buffer.from(end.stdout).toString().trim()).slice(-TAIL_BYTES);
  return `${program}: ${end.reason}${said === '' ? '' : `: ${said}`}`;
}
