import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { SERVER_FLAGS } from '../../child/server-flags.ts';
import type { Settings, Span } from '../serve.ts';

/** What may be asked of an adapter, and the answer's type. */
export interface Answers {
  submit: null;
  work: Span;
  settle: null;
  complete: number;
  rest: null;
  idle: number[];
  close: null;
}

export interface AdapterProcess {
  readonly pid: number;
  ask<Name extends keyof Answers>(name: Name, flows?: number): Promise<Answers[Name]>;
  kill(): void;
}

/** For one request. */
const LIMIT_MS = 180_000;

/** Starts one process of an adapter and waits until it is ready. It may print to standard error only. */
export async function startAdapter(file: string, settings: Settings): Promise<AdapterProcess> {
  // Other systems as Node starts by itself, Coax (and its floor) as bin/coax starts it.
  // -P: the adapter's folder is not searched for modules, or taskflow.py would be its own taskflow.
  const path = join(import.meta.dirname, '..', file);
  const given = JSON.stringify(settings);
  const [program, values] = file.endsWith('.py')
    ? ['/usr/bin/python3', ['-P', path, given]]
    : file.endsWith('.mjs')
      ? [process.execPath, ['--disable-warning=ExperimentalWarning', '--no-deprecation', path, given]]
      : [process.execPath, [...SERVER_FLAGS, '--no-deprecation', path, given]];
  const child = spawn(program, values, {
    stdio: ['pipe', process.stderr, process.stderr, 'pipe'],
    // What it leaves in the folder for temporary files goes with the round's folder.
    env: { ...process.env, TMPDIR: settings.dir },
  });
  const requests = child.stdin as Writable;
  const waiting: { resolve(value: unknown): void; reject(error: Error): void }[] = [];
  let ended: Error | undefined;
  const end = (error: Error): void => {
    ended = error;
    for (const { reject } of waiting.splice(0)) reject(error);
  };
  createInterface(child.stdio[3] as Readable).on('line', line => waiting.shift()?.resolve(JSON.parse(line)));
  child.once('error', end);
  child.once('exit', (status, signal) =>
    end(new Error(`${file} ended with ${signal ?? `status ${status}`}`)),
  );
  requests.on('error', () => {});
  const answer = (): Promise<unknown> =>
    ended === undefined
      ? new Promise((resolve, reject) => waiting.push({ resolve, reject }))
      : Promise.reject(ended);
  await answer();
  const within = async <Value>(value: Promise<Value>, what: string): Promise<Value> => {
    const late = setTimeout(() => {
      end(new Error(`${file} did not ${what} within ${LIMIT_MS / 1000} s`));
      child.kill('SIGKILL');
    }, LIMIT_MS);
    return value.finally(() => clearTimeout(late));
  };
  return {
    pid: child.pid as number,
    async ask(name, flows = 0) {
      requests.write(`${JSON.stringify({ do: name, flows })}\n`);
      return ((await within(answer(), name)) as { value: never }).value;
    },
    kill: () => child.kill('SIGKILL'),
  };
}
