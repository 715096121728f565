import type { ProcessEnd, ProcessSpec } from '../linux/process/process-spec.ts';
import { runProcess } from '../linux/process/run-process.ts';
import { HeadReader, type ResponseHead } from './response-head.ts';

const LOG_MAX_BYTES = 4096;
const GRACE_MS = 2000;

/** A script to run once. */
export interface ScriptRun {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly input: ProcessSpec['input'];
  readonly timeoutMs: number;
  readonly limits?: ProcessSpec['limits'] | undefined;
  /** It makes the whole HTTP answer itself (RFC 3875, 5): all that it writes is body, and there is no head. */
  readonly nonParsed: boolean;
}

/** Takes the answer as it comes. */
export interface ScriptHooks {
  readonly signal: AbortSignal;
  /** Called once, before the first piece of the body. */
  onHead(head: ResponseHead): void;
  /** A piece of the body; while a promise is open, the script is slowed. */
  onBody(piece: Uint8Array): void | Promise<void>;
  /** A line of standard error; the first 1,000. */
  onLog(line: string): void;
}

/**
 * How a script ended. `answered`: it gave a whole answer, whatever its exit status. `broken`: it gave no head, a faulty one,
 * or was ended in the midst of its body. `late`: it ran longer than it may. `gone`: it was called off.
 */
export interface ScriptEnd {
  readonly kind: 'answered' | 'broken' | 'late' | 'gone';
  readonly reason: string;
  /** Whether anything was handed on. */
  readonly begun: boolean;
  readonly process: ProcessEnd;
}

/** Scripts with such a name make the whole HTTP answer themselves. */
export function isNonParsed(name: string): boolean {
  return name.slice(name.lastIndexOf('/') + 1).startsWith('nph-');
}

/**
 * Runs a CGI script: no shell, the folder of the script as working directory (RFC 3875, 7.2), its output handed on as it
 * comes. Never throws.
 */
export async function runScript(run: ScriptRun, hooks: ScriptHooks): Promise<ScriptEnd> {
  const reader = new HeadReader();
  const stop = new AbortController();
  let head: ResponseHead | null = null;
  let written = false;
  let fault: string | null = null;
  const onStdout = (piece: Uint8Array): void | Promise<void> => {
    if (fault !== null) return;
    if (run.nonParsed) {
      written = true;
      return hooks.onBody(piece);
    }
    if (head !== null) return hooks.onBody(piece);
    const read = reader.add(piece);
    if (read === null) return;
    if ('fault' in read) {
      fault = read.fault;
      stop.abort();
      return;
    }
    head = read.head;
    hooks.onHead(head);
    return read.body.length > 0 ? hooks.onBody(read.body) : undefined;
  };
  const end = await runProcess(
    {
      program: run.file,
      args: run.args,
      env: run.env,
      cwd: run.file.slice(0, run.file.lastIndexOf('/')) || '/',
      input: run.input,
      stdoutMaxBytes: Number.MAX_SAFE_INTEGER,
      stderrTailBytes: LOG_MAX_BYTES,
      timeoutMs: run.timeoutMs,
      graceMs: GRACE_MS,
      ...(run.limits && { limits: run.limits }),
    },
    {
      signal: AbortSignal.any([hooks.signal, stop.signal]),
      onStderrLine: line => hooks.onLog(line),
      onStdout,
    },
  );
  const begun = run.nonParsed ? written : head !== null;
  const told = (kind: ScriptEnd['kind'], reason: string): ScriptEnd => ({
    kind,
    reason,
    begun,
    process: end,
  });
  if (fault !== null) return told('broken', fault);
  if (end.cause === 'timeout') return told('late', end.reason);
  if (end.cause === 'aborted') return told('gone', end.reason);
  if (end.cause !== 'exit') return told('broken', end.reason);
  if (begun) return told('answered', end.reason);
  const said = reader.bytes > 0 ? 'its headers did not end with an empty line' : 'it wrote nothing';
  return told('broken', `${said}; ${end.reason}`);
}
