/**
 * The spawner's own program: runs what it is told over Node's IPC channel and tells how it ended. When the channel
 * closes, its server is gone: it kills every group it started and ends. It stays small, since starting a program copies
 * the page tables of whoever starts it.
 */
import { closeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { inheritedDescriptors } from './descriptors.ts';
import { signalGroup } from './group.ts';
import type { ProcessEnd, ProcessSpec } from './process-spec.ts';
import { runHere } from './run-here.ts';

export type ToSpawner =
  | { readonly kind: 'run'; readonly id: number; readonly spec: ProcessSpec; readonly lines: boolean }
  | { readonly kind: 'abort'; readonly id: number };

export type FromSpawner =
  | { readonly kind: 'started'; readonly id: number; readonly pid: number }
  | { readonly kind: 'line'; readonly id: number; readonly line: string }
  | { readonly kind: 'end'; readonly id: number; readonly end: ProcessEnd };

interface Running {
  readonly abort: AbortController;
  pid: number | undefined;
}

const running = new Map<number, Running>();

function tell(message: FromSpawner): void {
  if (process.connected) process.send!(message, undefined, undefined, () => {});
}

async function run({ id, spec, lines }: ToSpawner & { kind: 'run' }): Promise<void> {
  const entry: Running = { abort: new AbortController(), pid: undefined };
  running.set(id, entry);
  const end = await runHere(spec, {
    signal: entry.abort.signal,
    onStart(pid) {
      entry.pid = pid;
      tell({ kind: 'started', id, pid });
    },
    ...(lines ? { onStderrLine: (line: string) => tell({ kind: 'line', id, line }) } : {}),
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
process.on('disconnect', leave);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, leave);
process.on('message', (message: ToSpawner) => {
  if (message.kind === 'run') void run(message);
  else running.get(message.id)?.abort.abort();
});
flushCompileCache();
