import { fork } from 'node:child_process';
import { measureDeepMessage } from './deep-message.ts';
import { measureExecutables } from './executables.ts';
import { measureIdle } from './idle.ts';
import { measureMemory, peakOfFlows } from './memory.ts';
import { fillQueue, measureQueue, workOff } from './queue.ts';
import { measureRollback } from './rollback.ts';
import { measureSaturation } from './saturation.ts';

/** What `--only` names, in the order of the table. */
export const MEASURES = {
  saturation: measureSaturation,
  memory: measureMemory,
  idle: measureIdle,
  rollback: measureRollback,
  queue: measureQueue,
  'deep-message': measureDeepMessage,
  executables: measureExecutables,
};

/** Everything that runs in a process of its own, so that heaps, caches and peaks are its own too. */
const WORK = { ...MEASURES, fillQueue, workOff, peakOfFlows };

type Work = typeof WORK;

/** Runs one of them in a new process and gives its answer. */
export function inChild<Name extends keyof Work>(
  name: Name,
  ...values: Parameters<Work[Name]>
): Promise<Awaited<ReturnType<Work[Name]>>> {
  return new Promise((resolve, reject) => {
    const child = fork(import.meta.filename, [name, JSON.stringify(values)], {
      execArgv: ['--disable-warning=ExperimentalWarning', '--expose-gc'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    let answer: { value: Awaited<ReturnType<Work[Name]>> } | undefined;
    child.on('message', value => {
      answer = value as typeof answer;
    });
    child.once('error', reject);
    child.once('exit', (status, signal) => {
      if (status === 0 && answer !== undefined) resolve(answer.value);
      else reject(new Error(`${name} ended with ${signal ?? status} and no figures`));
    });
  });
}

if (import.meta.main) {
  const [, , name, values] = process.argv;
  const work = WORK[name as keyof Work] as (...values: unknown[]) => unknown;
  const value = await work(...(JSON.parse(values ?? '[]') as unknown[]));
  process.send?.({ value }, () => process.disconnect());
}
