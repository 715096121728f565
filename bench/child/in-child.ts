import { fork } from 'node:child_process';
import { join } from 'node:path';
import { SERVER_FLAGS } from './server-flags.ts';

const MAIN = join(import.meta.dirname, 'child-main.ts');

/**
 * Runs an exported function of a module in a new process and gives its answer: heap, caches and peak memory are then its
 * own. Arguments and answer cross as JSON.
 */
export function inChild<Values extends unknown[], Value>(
  file: string,
  work: (...values: Values) => Promise<Value>,
  ...values: Values
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const child = fork(MAIN, [file, work.name, JSON.stringify(values)], {
      execArgv: SERVER_FLAGS,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    let answer: { value: Value } | undefined;
    child.on('message', message => {
      answer = message as { value: Value };
    });
    child.once('error', reject);
    child.once('exit', (status, signal) => {
      if (status === 0 && answer !== undefined) resolve(answer.value);
      else reject(new Error(`${work.name} ended with ${signal ?? `status ${status}`} and no figures`));
    });
  });
}
