/**
 * The spawner's own program: runs what it is told over Node's IPC channel and tells how it ended. When the channel
 * closes, its server is gone: it kills every group it started and ends. It stays small, since starting a program copies
 * the page tables of whoever starts it.
 */
import { closeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { workFor } from '../cgroup/own-groups.ts';
import { inheritedDescriptors } from './descriptors.ts';
import { signalGroup } from './group.ts';
import { type ProcessEnd, type ProcessSpec, STDOUT_WINDOW_BYTES } from './process-spec.ts';
import { runHere } from './run-here.ts';

export type ToSpawner =
  | {
      readonly kind: 'run';
      readonly id: number;
      readonly spec: ProcessSpec;
      readonly lines: boolean;
      /** Standard output is handed on as it comes. */
      readonly streams: boolean;
    }
  | { readonly kind: 'abort'; readonly id: number }
  /** So much of its standard output has arrived where it was to go. */
  | { readonly kind: 'took'; readonly id: number; readonly bytes: number };

export type FromSpawner =
  | { readonly kind: 'started'; readonly id: number; readonly pid: number }
  | { readonly kind: 'line'; readonly id: number; readonly line: string }
  | { readonly kind: 'stdout'; readonly id: number; readonly piece: Uint8Array }
  | { readonly kind: 'end'; readonly id: number; readonly end: ProcessEnd };

interface Running {
  readonly abort: AbortController;
  pid: number | undefined;
  /** Bytes of standard output that were told of and have not been taken. */
  underWay: number;
  goOn: (() => void) | null;
}

const token = process.argv[2]!;
const running = new Map<number, Running>();

function tell(message: FromSpawner): void {
  if (process.connected) process.send!(message, undefined, undefined, () => {});
}

/** Tells of a piece; gives a promise when so much is under way that the program has to wait. */
function tellOutput(id: number, entry: Running, piece: Uint8Array): void | Promise<void> {
  tell({ kind: 'stdout', id, piece });
  entry.underWay += piece.length;
  if (entry.underWay < STDOUT_WINDOW_BYTES) return;
  return new Promise(resolve => {
    entry.goOn = resolve;
  });
}

function took(entry: Running, bytes: number): void {
  entry.underWay -= bytes;
  if (entry.underWay >= STDOUT_WINDOW_BYTES) return;
  entry.goOn?.();
  entry.goOn = null;
}

async function run({ id, spec, lines, streams }: ToSpawner & { kind: 'run' }): Promise<void> {
  const entry: Running = { abort: new AbortController(), pid: undefined, underWay: 0, goOn: null };
  running.set(id, entry);
  const end = await runHere(spec, {
    signal: entry.abort.signal,
    token,
    onStart(pid) {
      entry.pid = pid;
      tell({ kind: 'started', id, pid });
    },
    ...(lines ? { onStderrLine: (line: string) => tell({ kind: 'line', id, line }) } : {}),
    ...(streams ? { onStdout: (piece: Uint8Array) => tellOutput(id, entry, piece) } : {}),
  });
  running.delete(id);
  tell({ kind: 'end', id, end });
}

function leave(): never {
  for (const { pid } of running.values()) if (pid !== undefined) signalGroup(pid, 'SIGKILL');
  process.exit(0);
}

// A descriptor that our server was started with is no business of a step.
for (const descriptor of inheritedDescriptors()) closeSync(descriptor);
workFor(process.ppid);
process.on('disconnect', leave);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, leave);
process.on('message', (message: ToSpawner) => {
  if (message.kind === 'run') return void run(message);
  const entry = running.get(message.id);
  if (entry === undefined) return;
  if (message.kind === 'took') took(entry, message.bytes);
  else entry.abort.abort();
});
flushCompileCache();
